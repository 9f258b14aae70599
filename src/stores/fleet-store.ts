import type { Awaitable } from '../runtime/awaitable.ts'
import type { UsagePruning } from './usage-store.ts'

/** Something that a process saw, once or often, since it last told. */
export interface Sighting {
  /** 16 letters and digits, the same for the same thing at every process. */
  readonly id: string
  /** `problem`: refusals that are alike. `anomaly`: something unusual in a key's traffic. */
  readonly kind: 'problem' | 'anomaly'
  /** A reason, or the kind of an anomaly. */
  readonly name: string
  /** `null`: the key is not known. */
  readonly keyId: string | null
  /**
   * 16 letters and digits for whoever caused it, so that one sender takes no room from others; `null`: nobody
   * in particular.
   */
  readonly sender: string | null
  /** What it is about, as JSON in ASCII: at most 2 000 characters. The latest one counts. */
  readonly about: string
  /** 1 and up: how often it was seen since the process last told. */
  readonly count: number
  /** Milliseconds since the epoch, by the process's clock, which may be wrong. */
  readonly firstAt: number
  readonly lastAt: number
}

/** A sighting with what all processes saw of it. */
export interface StoredSighting extends Sighting {
  /** Of the hour of the clock in which it was last seen, and of the hour before that one. */
  readonly lastHour: number
  readonly hourBefore: number
}

export interface SightingQuery {
  readonly kind: Sighting['kind']
  /** Absent: of all keys. */
  readonly keyIds?: readonly string[]
  /** Last seen at this moment or later, milliseconds since the epoch. */
  readonly since: number
  readonly limit: number
}

/** Some decisions of one process, in the order in which it made them. */
export interface DecisionPage {
  /** Who decided: 16 letters and digits, new for every `createWriteKeys`. */
  readonly process: string
  /** Of this process's pages: 1 and up, one more each time. */
  readonly number: number
  /** JSON in ASCII, at most 300 000 characters. */
  readonly body: string
}

/** Pages that are kept of one process: a new one takes the place of the oldest. */
export const keptPages = 16
/** How long pages are worth reading, in milliseconds. */
export const pageLifeMs = 60_000
/** Of one key and one name. The most frequent stay, then the latest. */
export const keptSightings = 32
/** … of one sender among them. */
export const keptOfSender = 8
/** Of all keys: each key and name has its first place before any has its second. */
export const keptInAll = 20_000

/** How long a claim stands, in milliseconds. */
export const claimLifeMs = 120 * 86_400_000

/**
 * What the processes that share a store tell each other about traffic. Part of a key store; never asked on
 * the request path, and nothing in it counts for verification.
 */
export interface FleetStore {
  /**
   * Adds up what was seen. Whatever is later than the store's own clock is taken as of now. One statement
   * where the database can.
   */
  add(sightings: readonly Sighting[]): Awaitable<void>
  /** Latest first. */
  list(query: SightingQuery): Awaitable<StoredSighting[]>
  /**
   * Forgets what was last seen longer ago than `keptMs`, before `now` and before the store's own time, if it has
   * one; what is beyond `keptSightings`, `keptOfSender` and `keptInAll`; and old pages. Called after some
   * hundred sightings, and each hour.
   */
  prune(pruning: UsagePruning): Awaitable<void>
  /**
   * Notes that somebody looks at decisions, from now on for `forMs`: so long `poll` answers `isWatched`, and
   * processes put their pages here.
   */
  look(forMs: number): Awaitable<void>
  put(page: DecisionPage): Awaitable<void>
  /**
   * Takes a name that nobody has taken in the last 120 days: who gets it tells of something on behalf of all
   * processes. Left out, each process tells for itself. @param id at most 80 characters of ASCII
   */
  claim?(id: string): Awaitable<boolean>
  /**
   * Pages that were put within the last `pageLifeMs`, those that `known` names left out: the number of the
   * newest page that has been read, by process. In order of their numbers.
   */
  read(known: ReadonlyMap<string, number>): Awaitable<DecisionPage[]>
}
