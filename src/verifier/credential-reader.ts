import { type Awaitable, chain } from '../runtime/awaitable.ts'
import { type CredentialSource, type Presented, presentedAt, presentedByBody } from './credentials.ts'
import type { Visit } from './visit.ts'

/** What a request presents as its key. */
export type ReadCredential = (visit: Visit) => Awaitable<Presented>

/**
 * @param sources asked in their order, but the body last, as it must be read.
 * @param receive step 10 ahead of its turn, for a key in the body
 */
export function createCredentialReader(
  sources: readonly CredentialSource[],
  receive: (visit: Visit) => Awaitable<NonNullable<Visit['received']>>,
): ReadCredential {
  const withBody = sources.includes('body')
  const early = sources.filter((source) => source !== 'body')

  function read(visit: Visit, index: number): Awaitable<Presented> {
    for (let next = index; next < early.length; next++) {
      const presented = presentedAt(early[next] as CredentialSource, visit.request)
      if (presented instanceof Promise) {
        return presented.then((value) => (value === undefined ? read(visit, next + 1) : value))
      }
      if (presented !== undefined) return presented
    }
    if (!withBody) return undefined
    return chain(receive(visit), (received) => {
      visit.received = received
      return received.ok ? presentedByBody(received.value) : undefined
    })
  }

  return function readCredential(visit) {
    return read(visit, 0)
  }
}
