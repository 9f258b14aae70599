import type {
  Anomaly,
  AuditEntry,
  CreatedKey,
  Decision,
  ImportResult,
  KeyFields,
  Page,
  RotatedKey,
  Session,
  Usage,
  WriteKey,
} from './wire.ts'

/** A management call that was refused, or did not reach the server (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** The field at fault, in snake_case. */
    readonly field: string | null = null,
  ) {
    super(message)
  }
}

/** Where the application is mounted: what stands before `/events/write-keys` in the address of this page. */
export const mountPath = location.pathname.replace(/\/events\/write-keys\/?$/, '')
/** Where the application says that its ingest endpoints are, from the root of this host. */
export const ingestPath =
  document.querySelector<HTMLMetaElement>('meta[name="writekey-ingest"]')?.content ?? '/v1'
const eventsPath = `${mountPath}/api/v1/events`
const keysPath = `${eventsPath}/write-keys`

export interface Api {
  session(): Promise<Session>
  listKeys(query: { q?: string; cursor?: string | null }): Promise<Page<WriteKey>>
  getKey(id: string): Promise<WriteKey>
  createKey(fields: Partial<KeyFields> & { environment?: string }): Promise<CreatedKey>
  importKeys(keys: readonly unknown[], dryRun: boolean): Promise<{ results: ImportResult[] }>
  updateKey(id: string, fields: Partial<KeyFields>, version: number): Promise<WriteKey>
  rotateKey(id: string, gracePeriodHours: number): Promise<RotatedKey>
  endGrace(id: string, secretId: string): Promise<WriteKey>
  pauseKey(id: string): Promise<WriteKey>
  resumeKey(id: string): Promise<WriteKey>
  revokeKey(id: string): Promise<WriteKey>
  removeKey(id: string): Promise<void>
  usage(id: string, window: '24h' | '30d'): Promise<Usage>
  auditLog(query: { keyId?: string; cursor?: string | null }): Promise<Page<AuditEntry>>
  decisions(keyId: string): Promise<{ data: Decision[] }>
  openDebugger(query: URLSearchParams, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
  anomalies(): Promise<{ data: Anomaly[] }>
}

/** The management API with one token. `onUnauthorized` is told when the server no longer takes it. */
export function createApi(token: string, onUnauthorized: () => void): Api {
  async function send(method: string, url: string, options: RequestInit & { json?: unknown } = {}) {
    const { json, headers, ...rest } = options
    let response: Response
    try {
      response = await fetch(url, {
        ...rest,
        method,
        credentials: 'same-origin',
        cache: 'no-store',
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...(headers as Record<string, string> | undefined),
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      })
    } catch (error) {
      if (rest.signal?.aborted) throw error
      throw new ApiError(0, 'network', 'The server did not answer. Check the connection and try again.')
    }
    if (!response.ok) throw await toError(response)
    return response
  }

  async function toError(response: Response): Promise<ApiError> {
    if (response.status === 401) onUnauthorized()
    const problem = (await response.json().catch(() => ({}))) as Record<string, unknown>
    const text = problem.detail ?? problem.title ?? `The server answered ${response.status}.`
    return new ApiError(
      response.status,
      String(problem.code ?? response.status),
      String(text),
      typeof problem.field === 'string' ? problem.field : null,
    )
  }

  async function call<T>(method: string, url: string, json?: unknown, headers?: Record<string, string>) {
    const response = await send(method, url, { json, ...(headers && { headers }) })
    return (response.status === 204 ? undefined : await response.json()) as T
  }

  return {
    session: () => call('GET', `${eventsPath}/session`),
    listKeys({ q, cursor }) {
      const query = new URLSearchParams({ limit: '100' })
      if (q) query.set('q', q)
      if (cursor) query.set('cursor', cursor)
      return call('GET', `${keysPath}?${query}`)
    },
    getKey: (id) => call('GET', keyUrl(id)),
    createKey: (fields) => call('POST', keysPath, fields),
    importKeys: (keys, dryRun) => call('POST', `${keysPath}/import`, { write_keys: keys, dry_run: dryRun }),
    updateKey: (id, fields, version) => call('PATCH', keyUrl(id), fields, { 'if-match': `"${version}"` }),
    rotateKey: (id, gracePeriodHours) =>
      call('POST', `${keyUrl(id)}/rotate`, { grace_period_hours: gracePeriodHours }),
    endGrace: (id, secretId) => call('DELETE', `${keyUrl(id)}/secrets/${encodeURIComponent(secretId)}`),
    pauseKey: (id) => call('POST', `${keyUrl(id)}/pause`),
    resumeKey: (id) => call('POST', `${keyUrl(id)}/resume`),
    revokeKey: (id) => call('POST', `${keyUrl(id)}/revoke`),
    removeKey: (id) => call('DELETE', keyUrl(id)),
    usage: (id, window) => call('GET', `${keyUrl(id)}/usage?window=${window}`),
    auditLog({ keyId, cursor }) {
      const query = new URLSearchParams({ limit: '50' })
      if (keyId) query.set('key_id', keyId)
      if (cursor) query.set('cursor', cursor)
      return call('GET', `${eventsPath}/audit-log?${query}`)
    },
    decisions: (keyId) => call('GET', `${eventsPath}/debugger?key_id=${encodeURIComponent(keyId)}&limit=20`),
    async openDebugger(query, signal) {
      const response = await send('GET', `${eventsPath}/debugger?${query}`, {
        signal,
        headers: { accept: 'text/event-stream' },
      })
      if (response.body === null) throw new ApiError(0, 'network', 'The server sent no stream.')
      return response.body
    },
    anomalies: () => call('GET', `${eventsPath}/anomalies`),
  }
}

function keyUrl(id: string): string {
  return `${keysPath}/${encodeURIComponent(id)}`
}
