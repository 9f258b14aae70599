import type { Measured } from '../measured.ts'
import type { DecisionsByKey } from '../verifier/key-decision-counts.ts'
import { reasons } from '../verifier/reasons.ts'

export type Labels = Readonly<Record<string, string>>

/** One series of a metric, at present. */
export interface Reading {
  readonly value: number
  readonly labels: Labels
}

/** A number that is read on request. Labels have few values: outcomes, reasons and parts, and keys where it is asked for. */
export interface Metric {
  /** In OpenTelemetry's spelling. */
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  /** UCUM, as in OpenTelemetry. */
  readonly unit: string
  readonly description: string
  /** How values of several processes are combined, for a gauge. Default: the highest. */
  readonly ofMany?: 'min'
  readonly read: (measured: Measured, labelled: Labelled) => readonly Reading[]
}

/** Which labels are wished for beside those that have few values. */
interface Labelled {
  /** Whether `writekey.requests` and `writekey.events` have the id of the key. */
  readonly keyId: boolean
}

const one = (value: number): Reading[] => [{ value, labels: {} }]
const toSeconds = (ms: number) => ms / 1_000

export const metrics: readonly Metric[] = [
  {
    name: 'writekey.requests',
    kind: 'counter',
    unit: '{request}',
    description: 'Requests by outcome (accepted, refused) and reason of refusal.',
    read(measured, labelled) {
      const { counts, byKey } = measured.meter()
      if (labelled.keyId) return requestsOf(byKey())
      return [
        { value: counts.acceptedRequests, labels: { outcome: 'accepted' } },
        ...reasons.map((reason) => ({
          value: counts.refusedFor(reason),
          labels: { outcome: 'refused', reason },
        })),
      ]
    },
  },
  {
    name: 'writekey.events',
    kind: 'counter',
    unit: '{event}',
    description: 'Events of accepted requests: accepted, or dropped by a rule of the key.',
    read(measured, labelled) {
      const { counts, byKey } = measured.meter()
      if (labelled.keyId) return eventsOf(byKey())
      return [
        { value: counts.acceptedEvents, labels: { outcome: 'accepted' } },
        { value: counts.droppedEvents, labels: { outcome: 'dropped' } },
      ]
    },
  },
  {
    name: 'writekey.body.size',
    kind: 'counter',
    unit: 'By',
    description: 'Bytes of bodies that were read, once inflated. Bodies that came parsed are not in it.',
    read: (measured) => one(measured.meter().counts.bodyBytes),
  },
  {
    name: 'writekey.cache.lookups',
    kind: 'counter',
    unit: '{lookup}',
    description:
      'Look-ups of keys: hit in memory, miss and asked of the store, or refused as the budget for unknown keys was used up.',
    read(measured) {
      const { hits, misses, refused } = measured.lookups()
      return [
        { value: hits, labels: { result: 'hit' } },
        { value: misses - refused, labels: { result: 'miss' } },
        { value: refused, labels: { result: 'refused' } },
      ]
    },
  },
  {
    name: 'writekey.cache.secrets',
    kind: 'gauge',
    unit: '{secret}',
    description: 'Secrets whose key is cached.',
    read: (measured) => one(measured.health().cache.keys),
  },
  {
    name: 'writekey.lease.age',
    kind: 'gauge',
    unit: 's',
    description: 'Time since the store was last asked with success. No series for a store in memory.',
    read(measured) {
      const { ageMs } = measured.health().cache
      return ageMs === null ? [] : one(toSeconds(ageMs))
    },
  },
  {
    name: 'writekey.lease.duration',
    kind: 'gauge',
    unit: 's',
    description: 'How long what is cached counts after an answer of the store; 0 before the first.',
    read: (measured) => one(toSeconds(measured.health().cache.leaseMs)),
  },
  {
    name: 'writekey.part.ok',
    kind: 'gauge',
    unit: '1',
    description: '1 while a part does its work, else 0: store, limiter, hints, cache, usage.',
    ofMany: 'min',
    read(measured) {
      const health = measured.health()
      return (['store', 'limiter', 'hints', 'cache', 'usage'] as const).map((part) => ({
        value: Number(health[part].ok),
        labels: { part },
      }))
    },
  },
  {
    name: 'writekey.usage.unsent',
    kind: 'gauge',
    unit: '{count}',
    description: 'Accepted events and refusals that wait to be stored.',
    read: (measured) => one(measured.health().usage.unsent),
  },
  {
    name: 'writekey.usage.dropped',
    kind: 'counter',
    unit: '{count}',
    description: 'Counts that were given up as the store was away for too long: events, refusals.',
    read(measured) {
      const { events, refusals } = measured.dropped()
      return [
        { value: events, labels: { kind: 'events' } },
        { value: refusals, labels: { kind: 'refusals' } },
      ]
    },
  },
  {
    name: 'writekey.clock.error',
    kind: 'gauge',
    unit: 's',
    description:
      "By how much the clock differs from the store's, as of the last counts; 0 within two seconds.",
    read: (measured) => one(toSeconds(measured.clockErrorMs())),
  },
  {
    name: 'writekey.unknown_key_budget.used',
    kind: 'gauge',
    unit: '1',
    description: 'How much of the look-ups of unknown keys is used up, of all senders together: 0 to 1.',
    read: (measured) => one(measured.unknownKeyBudgetUsed()),
  },
]

/** Without the reasons that a key has not been refused for: there are some forty. */
function requestsOf(decisions: DecisionsByKey): Reading[] {
  return [...decisions.entries()].flatMap(([keyId, { acceptedRequests, refusedFor }]) => [
    ...(keyId === '' ? [] : [{ value: acceptedRequests, labels: { outcome: 'accepted', key_id: keyId } }]),
    ...Array.from(refusedFor, ([reason, value]) => ({
      value,
      labels: { outcome: 'refused', reason, key_id: keyId },
    })),
  ])
}

function eventsOf(decisions: DecisionsByKey): Reading[] {
  return [...decisions.entries()].flatMap(([keyId, { acceptedEvents, droppedEvents }]) =>
    keyId === ''
      ? []
      : [
          { value: acceptedEvents, labels: { outcome: 'accepted', key_id: keyId } },
          // Few keys drop events, and exporters have room for some thousand series.
          ...(droppedEvents === 0
            ? []
            : [{ value: droppedEvents, labels: { outcome: 'dropped', key_id: keyId } }]),
        ],
  )
}

/** The one histogram: recorded, not read on request. */
export const duration = {
  name: 'writekey.verify.duration',
  unit: 's',
  description: 'How long verification took, the body included, by outcome. One request in 16 is timed.',
  /** Upper bounds in seconds: from memory to a store that hangs. */
  bounds: [0.000025, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
} as const
