import type { Kysely } from 'kysely'

/** Connections to one database. */
export interface Connections {
  /** Cut after a second where this package made the connections. */
  readonly reader: Kysely<unknown>
  readonly writer: Kysely<unknown>
  /**
   * SQLite: whether the file is still the one that was opened. Opens it anew when another has been put in its
   * place.
   * @returns true when it was; what was known of its tables is void. @throws StoreError when there is no
   * file.
   */
  followFile?(): Promise<boolean>
  /** Waits for what is under way. */
  close(): Promise<void>
  /** Ends at once what `close` still waits for. */
  cut?(): void
}

/** Longest time a statement of verification may take before its connection is cut, in milliseconds. */
export const readerDeadlineMs = 1_000
/** The same for management, which may meet locks and long scans. */
export const writerDeadlineMs = 15_000
/** Longest time to make a connection, in milliseconds. */
export const longestConnectMs = 3_000
/**
 * A statement that has not been answered for so long may wait for a lock, or for a server that is silent:
 * that one is given a moment to take a new connection, and the statement is cut if it does not. In
 * milliseconds.
 */
export const doubtAfterMs = 4_000
export const aliveWithinMs = 1_000
/**
 * Longest pause of a process in the middle of a transaction, in milliseconds; then the server undoes it. One
 * that is frozen there must not keep its locks: the revocation of a leaked key would wait for it.
 */
export const idleInTransactionMs = 2_000
/** Connections of a process to each of the two ends. */
export const poolSize = 4
