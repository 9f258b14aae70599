import type { Outage } from '../cache/outages.ts'
import { type OptionNames, readCallOptions } from '../runtime/call-options.ts'
import type { Clock } from '../runtime/clock.ts'
import { inBackground } from '../runtime/timers.ts'
import type { FleetStore, Sighting, StoredSighting } from '../stores/fleet-store.ts'
import type { AnomalyKind } from '../verifier/decision-event.ts'
import type { Anomaly } from './anomaly.ts'
import { type Problem, type ProblemCounter, toProblem } from './problems.ts'
import { parseAbout, toAbout, toSightingId } from './sightings.ts'

/** Which problems or anomalies to see. */
export interface SightingsQuery {
  /** Absent: of all keys. */
  keyIds?: readonly string[] | undefined
  /**
   * Last seen at this moment or later, milliseconds since the epoch. Default: all that is kept, seven days of
   * problems.
   */
  since?: number | undefined
  /** 1 to 1 000. Default 200. */
  limit?: number | undefined
}

const queryNames: OptionNames<SightingsQuery> = { keyIds: true, since: true, limit: true }

/** Problems and anomalies of all processes, in the store. */
export interface SightingBook {
  /** Something was seen: it will be stored within `flushMs`. */
  schedule(): void
  listProblems(query?: SightingsQuery): Promise<Problem[]>
  listAnomalies(query?: SightingsQuery): Promise<Anomaly[]>
  /** Stores what is left. */
  close(): Promise<void>
}

/** How long problems are kept, in milliseconds. */
const keptMs = 7 * 86_400_000
const anomaliesKeptMs = 86_400_000
const pruneEveryMs = 3_600_000
/** … and after this many stored sightings. */
const pruneEverySightings = 500

export interface SightingBookOptions {
  store: FleetStore
  clock: Pick<Clock, 'now' | 'monotonic'>
  flushMs: number
  problems: ProblemCounter
  /** The sightings of this process. */
  anomalies: () => readonly Anomaly[]
  outageOf: (part: 'problems') => Outage
}

export function createSightingBook(options: SightingBookOptions): SightingBook {
  const { store, clock, flushMs, problems } = options
  const outage = options.outageOf('problems')
  let timer: NodeJS.Timeout | undefined
  let flushing: Promise<void> = Promise.resolve()
  let unsent: Sighting[] = []
  const takeAnomalies = createAnomalyDeltas(options.anomalies)
  let prunedAt = Number.NEGATIVE_INFINITY
  let storedSincePruning = 0
  let closed = false

  function schedule(): void {
    if (!closed) timer ??= inBackground(setTimeout(tryFlush, flushMs))
  }

  function tryFlush(): void {
    flush().then(outage.ended, (error) => {
      schedule()
      outage.began(error)
    })
  }

  /** Calls made meanwhile wait for their turn. */
  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const next = flushing.then(flushOnce)
    flushing = next.catch(() => {})
    return next
  }

  async function flushOnce(): Promise<void> {
    // Unconfirmed counts beyond a limit are dropped: a count that is a little low is better than one counted
    // twice.
    const seen = [...unsent.slice(0, 200), ...problems.take(), ...takeAnomalies()]
    unsent = []
    if (seen.length > 0) {
      try {
        await store.add(mergeAlike(seen))
      } catch (error) {
        unsent = seen
        schedule()
        throw error
      }
      storedSincePruning += seen.length
    }
    await pruneIfDue()
  }

  async function pruneIfDue(): Promise<void> {
    const now = clock.monotonic()
    if (now - prunedAt < pruneEveryMs && storedSincePruning < pruneEverySightings) return
    await store.prune({ keptMs, now: clock.now() })
    prunedAt = now
    storedSincePruning = 0
  }

  async function list(kind: Sighting['kind'], given: SightingsQuery): Promise<StoredSighting[]> {
    const call = kind === 'problem' ? 'listProblems' : 'listAnomalies'
    const { keyIds, since = 0, limit = 200 } = readCallOptions(call, given, queryNames)
    await flush()
    const keptSince = clock.now() - (kind === 'anomaly' ? anomaliesKeptMs : keptMs)
    const query = { kind, since: Math.max(since, keptSince), limit }
    return store.list({ ...query, ...(keyIds !== undefined && { keyIds }) })
  }

  return {
    schedule,
    listProblems: async (query = {}) => (await list('problem', query)).map(toProblem),
    listAnomalies: async (query = {}) => (await list('anomaly', query)).flatMap(toAnomaly),
    async close() {
      closed = true
      await flush()
    },
  }
}

/** What has been seen of anomalies since it was last asked for. */
function createAnomalyDeltas(anomalies: () => readonly Anomaly[]): () => Sighting[] {
  /** How often each had been seen then. */
  let told = new Map<string, number>()

  return () => {
    const current = anomalies()
    const taken = current.flatMap((anomaly) => {
      const before = told.get(anomaly.id) ?? 0
      const count = anomaly.count < before ? anomaly.count : anomaly.count - before
      return count === 0 ? [] : [toSighting(anomaly, count)]
    })
    told = new Map(current.map(({ id, count }) => [id, count]))
    return taken
  }
}

function mergeAlike(seen: readonly Sighting[]): Sighting[] {
  const merged = new Map<string, Sighting>()
  for (const one of seen) {
    const known = merged.get(one.id)
    merged.set(
      one.id,
      known === undefined
        ? one
        : {
            ...one,
            count: one.count + known.count,
            firstAt: Math.min(one.firstAt, known.firstAt),
            lastAt: Math.max(one.lastAt, known.lastAt),
          },
    )
  }
  return [...merged.values()]
}

function toSighting(anomaly: Anomaly, count: number): Sighting {
  const { id, kind, keyId, firstAt, lastAt, count: _, ...about } = anomaly
  return {
    id: toSightingId(['anomaly', id]),
    kind: 'anomaly',
    name: kind,
    keyId,
    sender: null,
    about: toAbout({ id, ...about }),
    count,
    firstAt,
    lastAt,
  }
}

function toAnomaly({ name, keyId, about, count, firstAt, lastAt }: StoredSighting): Anomaly[] {
  const { id, ...rest } = parseAbout(about)
  if (typeof id !== 'string' || keyId === null) return []
  return [{ id, kind: name as AnomalyKind, keyId, firstAt, lastAt, count, ...(rest as Partial<Anomaly>) }]
}
