import type { Awaitable } from '../runtime/awaitable.ts'
import type { UsagePruning } from './usage-store.ts'

/** Something that a process saw, once or often, since its last report. */
export interface Sighting {
  /** 16 letters and digits, the same in every process for the same thing. */
  readonly id: string
  /** `problem`: refusals that are alike. `anomaly`: something unusual in a key's traffic. */
  readonly kind: 'problem' | 'anomaly'
  /** A reason, or the kind of an anomaly. */
  readonly name: string
  /** `null`: the key is not known. */
  readonly keyId: string | null
  /**
   * 16 letters and digits for the sender that caused it, so that one sender takes no room from others;
   * `null`: no particular sender.
   */
  readonly sender: string | null
  /** What it is about, as JSON in ASCII, at most 2 000 characters. The latest one counts. */
  readonly about: string
  /** How often it was seen since the process last reported: 1 and up. */
  readonly count: number
  /** Milliseconds since the epoch, by the process's clock, which may be wrong. */
  readonly firstAt: number
  readonly lastAt: number
}

/** A sighting, summed over all processes. */
export interface StoredSighting extends Sighting {
  /** Counts for the hour in which it was last seen, and for the hour before that. */
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
  /** The process: 16 letters and digits, new for every `createWriteKeys`. */
  readonly process: string
  /** Number of this page within its process: 1 and up, one more each time. */
  readonly number: number
  /** JSON in ASCII, at most 300 000 characters. */
  readonly body: string
}

/** Pages kept of one process. A new one replaces the oldest. */
export const keptPages = 16
/** How long pages are worth reading, in milliseconds. */
export const pageLifeMs = 60_000
/** Sightings kept of one key and name: the most frequent, then the latest. */
export const keptSightings = 32
/** … of one sender among them. */
export const keptOfSender = 8
/** … of all keys. Each key and name gets its first place before any gets a second. */
export const keptInAll = 20_000

/** How long a claim stands, in milliseconds. */
export const claimLifeMs = 120 * 86_400_000

/**
 * What processes that share a store tell each other about traffic. Part of a key store, never asked on the
 * request path. Nothing in it affects verification.
 */
export interface FleetStore {
  /**
   * Adds up sightings. A time later than the store's own clock is taken as now. One statement where the
   * database can.
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
   * Notes that somebody looks at decisions for the next `forMs`. For that time `poll` answers `isWatched`,
   * and processes put their pages here.
   */
  look(forMs: number): Awaitable<void>
  put(page: DecisionPage): Awaitable<void>
  /**
   * Claims a name. The first caller in 120 days gets it, and tells of something on behalf of all processes.
   * Without this method, each process tells for itself. @param id at most 80 characters of ASCII
   */
  claim?(id: string): Awaitable<boolean>
  /**
   * Pages put within the last `pageLifeMs`, in the order of their numbers, without those that were read:
   * `known` has the number of the newest page read, by process.
   */
  read(known: ReadonlyMap<string, number>): Awaitable<DecisionPage[]>
}
