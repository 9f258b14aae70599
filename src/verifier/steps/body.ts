import type { HolderNames } from '../../http/body-holders.ts'
import { createPendingBodies } from '../../http/pending-bodies.ts'
import { type BodyLimits, receiveBody } from '../../http/received-body.ts'
import { createTurns } from '../../http/turns.ts'
import type { Awaitable } from '../../runtime/awaitable.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ClientOf } from '../client.ts'
import type { Visit } from '../visit.ts'

export interface BodyStepOptions {
  clock: Clock
  maxBodyBytes: number
  maxPendingBodyBytes: number
  maxEvents: number
  /** Whether a source has sent so many unknown keys that not even the body of its next request is read. */
  isSpent: (source: string) => boolean
}

/** What became of a body. */
export type Received = NonNullable<Visit['received']>

export interface BodyStep {
  /** Step 10: reads, inflates and parses the body, unless that has been done. */
  receive(visit: Visit): Awaitable<Received>
  /** Step 10 ahead of its turn, because the key may be in the body. */
  receiveEarly(visit: Visit): Awaitable<Received>
  /** Gives back what the body has taken of the memory for all bodies. */
  release(visit: Visit): void
}

/**
 * One at a time with a known key, and one of the others. Inflating takes less time than parsing the result,
 * so more would only add waiting data. With two of one kind, 1 500 small bombs added 112 MB, with one 65.
 */
const inflating = { atOnce: 1, patienceMs: 5_000 }

/** Objects and lists that a body may hold for each of its events, however short they are. */
const containersPerEvent = 4

export function createBodyStep(options: BodyStepOptions, client: ClientOf): BodyStep {
  const names: HolderNames<Visit> = {
    keyOf: ({ key, keyId }) => (key === undefined ? undefined : keyId),
    senderOf: client.sourceOf,
  }
  const pending = createPendingBodies(options.maxPendingBodyBytes, names)
  const known = createTurns({ ...inflating, clock: options.clock })
  const unknown = createTurns({ ...inflating, clock: options.clock })
  const limits: BodyLimits<Visit> = {
    maxBytes: options.maxBodyBytes,
    pending,
    names,
    freeContainers: containersPerEvent * options.maxEvents,
    turnsOf: (visit) => (visit.keyId === undefined ? unknown : known),
  }

  function receive(visit: Visit): Awaitable<Received> {
    if (visit.received !== undefined) return visit.received
    if (visit.paidBytes !== undefined && visit.paidBytes > options.maxBodyBytes)
      return { ok: false, reason: 'payload_too_large', bodyLeft: false }
    const { body, headers, bodyForm } = visit.request
    return receiveBody(body, headers, bodyForm === undefined ? limits : { ...limits, form: bodyForm }, visit)
  }

  return {
    receive,
    receiveEarly(visit) {
      const isSpent = typeof visit.request.body === 'function' && options.isSpent(client.sourceOf(visit))
      return isSpent ? { ok: false, reason: 'too_many_failures', bodyLeft: true } : receive(visit)
    },
    release(visit) {
      if (visit.heldBytes > 0) pending.release(visit)
    },
  }
}
