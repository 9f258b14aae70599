import { badOption, ConfigError } from '../../runtime/config-error.ts'
import type { SqlDialect } from './dialect.ts'

/** A store's address after parsing. */
export interface StoreUrl {
  dialect: SqlDialect
  /** `:memory:`: nobody else can reach it. */
  private: boolean
  /** A path for SQLite, else the URL. */
  target: string
}

const expectedUrl = 'sqlite:PATH, sqlite::memory:, postgres://…, mysql://… or mariadb://…'
const encoded =
  'a URL whose user name, password and database are percent-encoded (% as %25, / as %2F, ? as %3F, # as %23, @ as %40)'

const dialects: Readonly<Record<string, SqlDialect>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
}

/** @throws ConfigError, which quotes nothing of the URL: any part of it may be part of a password. */
export function parseStoreUrl(url: unknown, option = 'url'): StoreUrl {
  if (typeof url !== 'string') throw badOption(option, url, expectedUrl)
  const scheme = /^(sqlite(?=:)|[a-z0-9+]+(?=:\/\/))/i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) throw badUrl(option, 'has no scheme')
  if (scheme === 'sqlite') return parseFile(url, option)
  const dialect = Object.hasOwn(dialects, scheme) ? dialects[scheme] : undefined
  if (dialect === undefined) throw badUrl(option, 'has another scheme')
  // `user@/database`, with the path of the socket in the query: the drivers need a host there.
  const target = url.replace(/^([^/]+:\/\/[^/?#]*@)(?=[/?]|$)/, '$1localhost')
  if (!isReadOneWay(target))
    throw new ConfigError(option, `${option} can be read in more than one way; it must be ${encoded}.`)
  return { dialect, private: false, target: target.replace(/^mariadb:/i, 'mysql:') }
}

function parseFile(url: string, option: string): StoreUrl {
  const path = url.slice('sqlite:'.length).replace(/^\/\//, '')
  if (path === '') throw badUrl(option, 'has no path')
  const isAddress = path.includes('://') || /^sqlite:\/\/(?!\/).*:.*@/i.test(url)
  if (isAddress) throw badUrl(option, 'has a URL where the path belongs')
  return { dialect: 'sqlite', private: path === ':memory:', target: path }
}

function badUrl(option: string, problem: string): ConfigError {
  return new ConfigError(option, `${option} must be ${expectedUrl}; this one ${problem}.`)
}

/**
 * Whether every parser finds the same password. After a raw `/`, `?` or `#` in it, the text before would be
 * taken for host and port, and show up in connection errors.
 */
function isReadOneWay(text: string): boolean {
  if (!URL.canParse(text) || text.includes('#')) return false
  const { username, password, hostname, pathname, search } = new URL(text)
  if (pathname.includes('@') || search.includes('@')) return false
  return [username, password, hostname, pathname].every(isDecodable)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** The location of a store, for people: no user, no password, no parameters. Never throws. */
export function describeStoreUrl(url: string): string {
  let target: string
  try {
    const parsed = parseStoreUrl(url)
    if (parsed.dialect === 'sqlite') return `sqlite:${parsed.target}`
    target = parsed.target
  } catch {
    return 'the store'
  }
  const { protocol, host, pathname } = new URL(target)
  return `${protocol}//${host}${pathname}`
}
