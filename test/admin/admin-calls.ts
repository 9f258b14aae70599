import { type AdminApi, type AdminApiOptions, createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys, type WriteKeysOptions } from '../../src/index.ts'

export const adminToken = 'admin-0123456789-0123456789-0123456789'
export const viewerToken = 'viewer-0123456789-0123456789-0123456789'
export const tokens = [
  { name: 'ops', token: adminToken, role: 'admin' },
  { name: 'board', token: viewerToken, role: 'viewer' },
] as const
export const base = '/api/v1/events/write-keys'

/** An answer, its body parsed. */
export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
}

interface CallOptions {
  token?: string | null
  headers?: Record<string, string>
  /** Sent as JSON; a string as it is. */
  body?: unknown
  address?: string
}

export type CallApi = (method: string, path: string, options?: CallOptions) => Promise<Answer>

/** Keys in memory behind a management API, with an injected clock. */
export function startAdmin(options: { keys?: WriteKeysOptions; admin?: AdminApiOptions } = {}) {
  const time = { now: Date.UTC(2026, 0, 5, 12, 1) }
  const store = createMemoryStore()
  const keys = createWriteKeys({ store, clock: () => time.now, ...options.keys })
  const api = createAdminApi(keys, { tokens, now: () => time.now, ...options.admin })
  return { keys, store, api, time, call: callApi(api) }
}

export function callApi(api: AdminApi): CallApi {
  return async (method, path, { token = adminToken, headers = {}, body, address = '192.0.2.1' } = {}) => {
    const response = await api.fetch(
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
      { address },
    )
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text !== '' && /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text,
    }
  }
}
