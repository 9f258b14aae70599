import type { CredentialRequest, FindKey } from '../http/ingest-request.ts'
import { type Awaitable, chain, isPromised } from '../runtime/awaitable.ts'
import type { Presented, Source } from './credentials.ts'
import type { Visit } from './visit.ts'

/** Finds what a request presents as its key. */
export type ReadCredential = (visit: Visit) => Awaitable<Presented>

function toPresented(value: unknown): Presented {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : null
}

/**
 * A function that fails because the body could not be read has found nothing. The request is refused for its
 * body.
 */
function failed(visit: Visit, error: unknown): undefined {
  if (visit.received?.ok !== false) throw error
  return undefined
}

type Received = NonNullable<Visit['received']>

/** @param receive step 10 ahead of its turn, for a key in the body */
export function createCredentialReader(receive: (visit: Visit) => Awaitable<Received>): ReadCredential {
  function read(visit: Visit, index: number): Awaitable<Presented> {
    const { sources } = visit.reading.credentials
    for (let next = index; next < sources.length; next++) {
      const source = sources[next] as Source
      const presented = source.at === 'head' ? source.present(visit.request) : ask(visit, source)
      if (presented instanceof Promise) {
        return presented.then((value) => (value === undefined ? read(visit, next + 1) : value))
      }
      if (presented !== undefined) return presented
    }
    return undefined
  }

  function ask(visit: Visit, source: Exclude<Source, { at: 'head' }>): Awaitable<Presented> {
    if (source.at === 'function') return find(visit, source.find)
    return chain(readBody(visit), (received) =>
      received?.ok === true ? source.present(received.value) : undefined,
    )
  }

  function find(visit: Visit, findKey: FindKey): Awaitable<Presented> {
    try {
      const found = findKey(toCredentialRequest(visit)) as unknown
      return isPromised(found)
        ? Promise.resolve(found).then(toPresented, (error: unknown) => failed(visit, error))
        : toPresented(found)
    } catch (error) {
      return failed(visit, error)
    }
  }

  /** Undefined for requests that can have no body. */
  function readBody(visit: Visit): Awaitable<Received | undefined> {
    if (visit.received !== undefined) return visit.received
    const { method } = visit.request
    if (method === 'GET' || method === 'HEAD') return undefined
    return chain(receive(visit), (received) => {
      visit.received = received
      return received
    })
  }

  function toCredentialRequest(visit: Visit): CredentialRequest {
    let reading: Awaitable<Received | undefined>
    return {
      ...visit.request,
      async readBody() {
        reading ??= readBody(visit)
        const received = await reading
        return received?.ok === true ? received.value : undefined
      },
    }
  }

  return function readCredential(visit) {
    return read(visit, 0)
  }
}
