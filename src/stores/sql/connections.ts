import type { Kysely } from 'kysely'
import { ConfigError } from '../../keys/errors.ts'
import type { ChangeListener } from '../key-store.ts'
import type { SqlDialect } from './dialect.ts'

/** Connections to one database. */
export interface Connections {
  /** Cut after a second where this package made the connections. */
  readonly reader: Kysely<unknown>
  readonly writer: Kysely<unknown>
  close(): Promise<void>
}

/** Longest time a statement of verification may take before its connection is cut, in milliseconds. */
export const readerDeadlineMs = 1_000
/** The same for management, which may meet locks and long scans. */
export const writerDeadlineMs = 15_000
/**
 * Longest pause of a process in the middle of a transaction, in milliseconds; then the server undoes it. One that is frozen
 * there must not keep its locks: the revocation of a leaked key would wait for it.
 */
export const idleInTransactionMs = 2_000
/** Connections of a process to each of the two ends. */
export const poolSize = 4

/** Hears of changes over a connection of its own. */
export interface ChangeFeed {
  start(listener: ChangeListener): void
  stop(): Promise<void>
}

/** A store's address after parsing. */
export interface StoreUrl {
  dialect: SqlDialect
  /** `:memory:`: nobody else can reach it. */
  private: boolean
  /** A path for SQLite, else the URL. */
  target: string
}

const expectedUrl = 'sqlite:PATH, sqlite::memory:, postgres://… or mysql://…'

/** @throws ConfigError, which does not quote the URL: it may hold a password. */
export function parseStoreUrl(url: unknown): StoreUrl {
  if (typeof url !== 'string') throw new ConfigError('url', typeof url, expectedUrl)
  const scheme = /^(sqlite(?=:)|[a-z0-9+]+(?=:\/\/))/i.exec(url)?.[1]?.toLowerCase()
  if (scheme === 'sqlite') {
    const path = url.slice('sqlite:'.length).replace(/^\/\//, '')
    if (path === '') throw new ConfigError('url', 'no path', expectedUrl)
    return { dialect: 'sqlite', private: path === ':memory:', target: path }
  }
  if ((scheme === 'postgres' || scheme === 'postgresql') && URL.canParse(url)) {
    return { dialect: 'postgres', private: false, target: url }
  }
  if (scheme === 'mysql' && URL.canParse(url)) return { dialect: 'mysql', private: false, target: url }
  throw new ConfigError(
    'url',
    scheme === undefined ? 'no scheme' : `a URL that starts with ${scheme}:`,
    expectedUrl,
  )
}
