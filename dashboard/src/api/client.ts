import { callerHeader } from '../../../src/admin/caller-mark.ts'
import { noteAnswer } from '../connection.ts'
import { timeZone } from '../words/format.ts'
import type {
  Anomaly,
  AuditEntry,
  CreatedKey,
  Decision,
  ImportResult,
  KeyFields,
  Limits,
  Page,
  Problem,
  RotatedKey,
  Session,
  Usage,
  UsageOverview,
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

/** Whether the answer got lost, or the server failed on the way: the call may have been done, or not. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 'network' || error.status >= 500)
}

export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404
}

/** Where the application is mounted: the part before `/events/write-keys` in this page's address. */
export const mountPath = location.pathname.replace(/\/events\/write-keys\/?$/, '')
/** The path of the ingest endpoints on this host, as the application has set it. */
export const ingestPath =
  document.querySelector<HTMLMetaElement>('meta[name="writekey-ingest"]')?.content ?? '/v1'
const eventsPath = `${mountPath}/api/v1/events`
const keysPath = `${eventsPath}/write-keys`

export type KeyPage = Page<WriteKey> & { total: number | null }

interface DecisionPage {
  data: Decision[]
  /** `process`: the store does not share decisions between processes. */
  scope: 'fleet' | 'process'
  process: string
}

export type NewKey = Partial<KeyFields> & { environment?: string; workspace?: string }

/** A call checks keys, or imports them. */
interface ImportBody {
  write_keys: readonly unknown[]
  dry_run?: boolean
  /** Keys by workspace that earlier calls of a check would have made. */
  planned?: Readonly<Record<string, number>>
}

export interface Api {
  session(): Promise<Session>
  limits(): Promise<Limits>
  listKeys(query: Readonly<Record<string, string | null>>): Promise<KeyPage>
  /** The key that a secret belongs to; 404 if there is none. The secret is sent only in the body. */
  findKey(secret: string): Promise<WriteKey>
  getKey(id: string): Promise<WriteKey>
  /**
   * Makes one key for one `idempotencyKey`, however often it is called. Without `key`: an earlier call has made it, whose
   * answer got lost with the secret.
   */
  createKey(fields: NewKey, idempotencyKey: string): Promise<CreatedKey | (WriteKey & { key?: undefined })>
  importKeys(body: ImportBody): Promise<{ results: ImportResult[] }>
  /** 409 unless the key still has this version. */
  updateKey(id: string, fields: Partial<KeyFields>, version: number): Promise<WriteKey>
  /** 409 unless the key still has this version. */
  rotateKey(id: string, gracePeriodHours: number, version: number): Promise<RotatedKey>
  endGrace(id: string, secretId: string): Promise<WriteKey>
  pauseKey(id: string): Promise<WriteKey>
  resumeKey(id: string): Promise<WriteKey>
  /** 409 unless the key still has this version: nobody ends rules that they have not seen. */
  enforceTrial(id: string, version: number): Promise<WriteKey>
  dropTrial(id: string, version: number): Promise<WriteKey>
  revokeKey(id: string): Promise<WriteKey>
  removeKey(id: string): Promise<void>
  /** @param window `1h` to `720h`, or `1d` to `30d` */
  usage(id: string, window: string): Promise<Usage>
  overview(groupBy: 'source_type' | 'workspace' | 'key', window: string): Promise<UsageOverview>
  auditLog(query: { keyId?: string; cursor?: string | null }): Promise<Page<AuditEntry>>
  decisions(query: Readonly<Record<string, string>>): Promise<DecisionPage>
  problems(query: Readonly<Record<string, string>>): Promise<{ data: Problem[] }>
  openDebugger(query: URLSearchParams, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
  anomalies(keyId?: string): Promise<{ data: Anomaly[] }>
}

/** Who calls, and what the server says of them. */
export interface Standing {
  /** The mark of whoever is signed in; undefined until that is known. */
  caller(): string | undefined
  /** A call was let in. */
  onAccepted(): void
  /** The server no longer knows who calls (401), or it is somebody else now (412). @returns what to tell */
  onRefused(status: 401 | 412, text: string): string
}

type Send = (method: string, url: string, options?: RequestInit & { json?: unknown }) => Promise<Response>

function createSend(token: string | null, { caller, onAccepted, onRefused }: Standing): Send {
  async function send(...[method, url, options = {}]: Parameters<Send>) {
    const { json, headers, ...rest } = options
    const believed = caller()
    let response: Response
    try {
      response = await fetch(url, {
        ...rest,
        method,
        credentials: 'same-origin',
        cache: 'no-store',
        headers: {
          accept: 'application/json',
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(believed !== undefined && { [callerHeader]: believed }),
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...(headers as Record<string, string> | undefined),
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      })
    } catch (error) {
      if (rest.signal?.aborted) throw error
      noteAnswer(false)
      throw new ApiError(0, 'network', 'The server did not answer. Check the connection and try again.')
    }
    noteAnswer(![502, 503, 504].includes(response.status))
    if (!response.ok) throw await toError(response)
    onAccepted()
    return response
  }

  async function toError(response: Response): Promise<ApiError> {
    const problem = (await response.json().catch(() => ({}))) as Record<string, unknown>
    const { status } = response
    const answered = String(problem.detail ?? problem.title ?? `The server answered ${status}.`)
    const text = status === 401 || status === 412 ? onRefused(status, answered) : answered
    return new ApiError(
      status,
      String(problem.code ?? status),
      text,
      typeof problem.field === 'string' ? problem.field : null,
    )
  }

  return send
}

/** The management API with one token; null: with the application's own session. */
export function createApi(token: string | null, standing: Standing): Api {
  const send = createSend(token, standing)

  async function call<T>(method: string, url: string, json?: unknown, headers?: Record<string, string>) {
    const response = await send(method, url, { json, ...(headers && { headers }) })
    return (response.status === 204 ? undefined : await response.json()) as T
  }

  return {
    session: () => call('GET', `${eventsPath}/session`),
    limits: () => call('GET', `${eventsPath}/limits`),
    listKeys: (query) => call('GET', `${keysPath}?${toSearch({ limit: '50', ...query })}`),
    findKey: (secret) => call('POST', `${keysPath}/find`, { key: secret }),
    getKey: (id) => call('GET', keyUrl(id)),
    createKey: (fields, idempotencyKey) =>
      call('POST', keysPath, fields, { 'idempotency-key': idempotencyKey }),
    importKeys: (body) => call('POST', `${keysPath}/import`, body),
    updateKey: (id, fields, version) => call('PATCH', keyUrl(id), fields, ifMatch(version)),
    rotateKey: (id, gracePeriodHours, version) =>
      call('POST', `${keyUrl(id)}/rotate`, { grace_period_hours: gracePeriodHours }, ifMatch(version)),
    endGrace: (id, secretId) => call('DELETE', `${keyUrl(id)}/secrets/${encodeURIComponent(secretId)}`),
    pauseKey: (id) => call('POST', `${keyUrl(id)}/pause`),
    resumeKey: (id) => call('POST', `${keyUrl(id)}/resume`),
    enforceTrial: (id, version) => call('POST', `${keyUrl(id)}/trial/enforce`, undefined, ifMatch(version)),
    dropTrial: (id, version) => call('DELETE', `${keyUrl(id)}/trial`, undefined, ifMatch(version)),
    revokeKey: (id) => call('POST', `${keyUrl(id)}/revoke`),
    removeKey: (id) => call('DELETE', keyUrl(id)),
    usage: (id, window) => call('GET', `${keyUrl(id)}/usage?${toSearch({ window, zone: timeZone })}`),
    overview: (groupBy, window) =>
      call('GET', `${eventsPath}/usage?${toSearch({ group_by: groupBy, window, zone: timeZone })}`),
    auditLog: ({ keyId = null, cursor = null }) =>
      call('GET', `${eventsPath}/audit-log?${toSearch({ limit: '50', key_id: keyId, cursor })}`),
    decisions: (query) => call('GET', `${eventsPath}/debugger?${toSearch(query)}`),
    problems: (query) => call('GET', `${eventsPath}/problems?${toSearch({ limit: '100', ...query })}`),
    async openDebugger(query, signal) {
      const response = await send('GET', `${eventsPath}/debugger?${query}`, {
        signal,
        headers: { accept: 'text/event-stream' },
      })
      if (response.body === null) throw new ApiError(0, 'network', 'The server sent no stream.')
      return response.body
    },
    anomalies: (keyId) => call('GET', `${eventsPath}/anomalies?${toSearch({ key_id: keyId ?? null })}`),
  }
}

/** Exchanges the code that `writekey serve` has printed for a token; null if the code is no longer valid. */
export async function redeemCode(code: string): Promise<string | null> {
  const response = await fetch(`${eventsPath}/sign-in`, {
    method: 'POST',
    credentials: 'same-origin',
    cache: 'no-store',
    body: code,
  }).catch(() => null)
  if (response === null || !response.ok) return null
  const { token } = (await response.json()) as { token: unknown }
  return typeof token === 'string' ? token : null
}

/** Without what is empty. */
function toSearch(query: Readonly<Record<string, string | null>>): URLSearchParams {
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1])
  return new URLSearchParams(given)
}

function ifMatch(version: number): Record<string, string> {
  return { 'if-match': `"${version}"` }
}

function keyUrl(id: string): string {
  return `${keysPath}/${encodeURIComponent(id)}`
}
