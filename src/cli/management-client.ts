import { assertShape, notTheApi } from './answer-shape.ts'
import { type ProblemJson, refusalOf } from './refused-call.ts'

const eventsPath = '/api/v1/events'

interface Call {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  query?: Readonly<Record<string, unknown>>
  body?: unknown
}

/**
 * The management API, wherever it answers: in this process on a store, or at a server. Commands know no other
 * way to the keys, so that both do the same.
 */
export interface ManagementClient {
  /** Where keys are written to, for people. */
  readonly place: string
  /**
   * @param path below `/api/v1/events/write-keys`
   * @throws CliError for what is refused, or not to be reached.
   */
  call<Answer>(path: string, call?: Call): Promise<Answer>
  /** The same for a path below `/api/v1/events`, as it arrives, until `signal` says so. */
  follow(path: string, query: Call['query'], signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
  read<Answer>(path: string, query: Call['query']): Promise<Answer>
  close(): Promise<void>
}

export interface Transport {
  readonly place: string
  readonly origin: string
  /** @throws CliError when nothing answers. */
  send(request: Request): Promise<Response>
  /** The failure behind an answer of 500 or more, where this process knows it. */
  failure?: (() => unknown) | undefined
  close(): Promise<void>
}

export function createManagementClient({ place, origin, send, failure, close }: Transport): ManagementClient {
  async function ask(path: string, { method = 'GET', query = {}, body }: Call, init: RequestInit = {}) {
    const url = new URL(origin + path)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const { headers, ...rest } = init
    const request = new Request(url, {
      method,
      redirect: 'manual',
      headers: {
        ...(headers as Record<string, string>),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...rest,
    })
    const answer = await send(request)
    if (answer.ok) return answer
    const problem = await readProblem(answer)
    const known = answer.status >= 500 ? failure?.() : undefined
    throw known ?? refusalOf(answer, problem)
  }

  async function json<Answer>(path: string, call: Call): Promise<Answer> {
    const answer = await ask(path, call)
    if (answer.status === 204) return undefined as Answer
    const value: unknown = await answer.json().catch(() => {
      throw notTheApi('what it answers is not JSON')
    })
    assertShape(call.method ?? 'GET', path.slice(eventsPath.length), value)
    return value as Answer
  }

  return {
    place,
    call: (path, call = {}) => json(`${eventsPath}/write-keys${path}`, call),
    read: (path, query) => json(eventsPath + path, { query }),
    async follow(path, query, signal) {
      const headers = { accept: 'text/event-stream' }
      const answer = await ask(eventsPath + path, { query }, { headers, signal })
      if (answer.body === null || !isEventStream(answer)) throw notTheApi('it sends no stream of events')
      return answer.body
    },
    close,
  }
}

async function readProblem(answer: Response): Promise<ProblemJson | undefined> {
  try {
    const problem: unknown = await answer.json()
    const { code, detail } = (problem ?? {}) as Partial<ProblemJson>
    return typeof code === 'string' && typeof detail === 'string' ? (problem as ProblemJson) : undefined
  } catch {
    return undefined
  }
}

function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true
}
