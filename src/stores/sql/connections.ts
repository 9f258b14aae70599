import type { Kysely } from 'kysely'

/** Connections to one database. */
export interface Connections {
  /** Statements are cut after a second where this package made the connections. */
  readonly reader: Kysely<unknown>
  readonly writer: Kysely<unknown>
  /**
   * SQLite: checks that the file is still the one that was opened, and opens it anew when it was replaced.
   * @returns true when it was replaced; what was known of its tables is void. @throws StoreError when there
   * is no file.
   */
  followFile?(): Promise<boolean>
  /** Waits for calls under way. */
  close(): Promise<void>
  /** Ends at once what `close` still waits for. */
  cut?(): void
}

/** One of each kind, with the longest time for its statements. */
export function openBoth(
  open: (deadlineMs: number) => Kysely<unknown>,
): Pick<Connections, 'reader' | 'writer' | 'close'> {
  const [reader, writer] = [open(readerDeadlineMs), open(writerDeadlineMs)]
  return {
    reader,
    writer,
    close: async () => {
      await Promise.all([reader.destroy(), writer.destroy()])
    },
  }
}

/** Longest time for a statement of verification, in milliseconds; then its connection is cut. */
export const readerDeadlineMs = 1_000
/** The same for management, which may meet locks and long scans. */
export const writerDeadlineMs = 15_000
/**
 * Longest time to make a connection, in milliseconds, sign-in and settings included. Whoever asked for it may
 * give up sooner; see `connection-pool.ts`.
 */
export const longestConnectMs = 10_000
/** After this long another attempt begins beside one that has not succeeded. */
export const freshMs = 1_000
/** Longest wait of management for a connection, in milliseconds, while the database takes none at all. */
export const firstWaitMs = 5_000
/**
 * A statement without an answer for this long, in milliseconds, may wait for a lock, or its server may be
 * silent. The server is then asked for a new connection, and the statement is cut if it gives none in time.
 */
export const doubtAfterMs = 4_000
export const aliveWithinMs = 1_000
/**
 * Longest pause of a process inside a transaction, in milliseconds; then the server rolls it back. A frozen
 * process must not keep its locks: the revocation of a leaked key would wait for it.
 */
export const idleInTransactionMs = 2_000
/** Longest time for connections to end properly, in milliseconds. */
export const endingMs = 1_000
/** Connections of a process for each of the two purposes. */
export const poolSize = 4

/** Listens for errors of a connection that fail a statement anyway: Node ends a process where nobody listens. */
export function ignore(): void {}
