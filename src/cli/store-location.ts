import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createMemoryStore, type KeyStore } from '../index.ts'
import type { SqlStore } from '../stores/sql/index.ts'
import { describeStoreUrl, parseStoreUrl } from '../stores/sql/store-url.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import { tellBadUrl } from './store-failure.ts'
import type { Terminal } from './terminal.ts'

/** Where `serve` keeps its keys and its token, below the working directory, unless told otherwise. */
export const dataFolder = '.data'
const defaultFile = join(dataFolder, 'writekey.db')

/** The store that `--store`, `WRITEKEY_STORE` or the default says. */
export function storeUrl(option: string | boolean | undefined, { env }: Terminal): string {
  const url = typeof option === 'string' ? option : env.WRITEKEY_STORE
  if (url === '') throw usageError('--store and WRITEKEY_STORE must not be empty.')
  return url ?? `sqlite:${defaultFile}`
}

/** A store in this process's memory: for trying things out. */
export const memoryUrl = 'memory:'

/** Where a store's tables are, beside its URL. */
export interface TablesLocation {
  schema?: string
  tablePrefix?: string
}

/** What `--schema`, `--table-prefix` or their variables say. */
export function tablesLocation(
  values: Readonly<Record<string, string | boolean | undefined>>,
  { env }: Terminal,
): TablesLocation {
  const schema = values.schema ?? env.WRITEKEY_SCHEMA
  const tablePrefix = values['table-prefix'] ?? env.WRITEKEY_TABLE_PREFIX
  return {
    ...(typeof schema === 'string' && { schema }),
    ...(typeof tablePrefix === 'string' && { tablePrefix }),
  }
}

/**
 * Opens a store. It makes tables, or a SQLite file that does not exist, only when asked to: a typing error
 * must not look like an empty store, nor leave tables in the wrong place.
 *
 * @param create whether its tables, and an SQLite file, may be made: by `migrate` and `serve`.
 * @throws CliError for a URL of no known kind, or a file that is missing.
 */
export async function openStore(
  url: string,
  tables: TablesLocation,
  create = false,
): Promise<KeyStore | SqlStore> {
  if (url === memoryUrl) return createMemoryStore()
  const { dialect, private: isPrivate, target: path } = readUrl(url)
  const isNewFile = dialect === 'sqlite' && !isPrivate && !existsSync(path)
  if (isNewFile) {
    if (!create) {
      throw new CliError(
        exitCodes.unavailable,
        `There is no store at ${path}. Name one with --store or WRITEKEY_STORE, or make it with: writekey migrate --store sqlite:${path}`,
      )
    }
    makeFolder(dirname(path))
  }
  const { createSqlStore } = await loadSqlStores()
  return createSqlStore({ url, ...tables, autoMigrate: create || isPrivate })
}

/** @throws CliError for a URL of no known kind. */
function readUrl(url: string) {
  try {
    return parseStoreUrl(url)
  } catch (error) {
    throw tellBadUrl(error)
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CliError(
      exitCodes.unavailable,
      `The folder ${path} cannot be made (${code}). Name another place with --store.`,
    )
  }
}

/** Kysely is an optional package: only those who keep keys in a database need it. */
async function loadSqlStores() {
  try {
    return await import('../stores/sql/index.ts')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new CliError(
      exitCodes.unavailable,
      'Keys in a database need the package kysely: npm install kysely',
    )
  }
}

/** Where a store is, without any part of its URL that could be a password. */
export function describeStore(url: string, { schema, tablePrefix }: TablesLocation): string {
  if (url === memoryUrl) return "this process's memory"
  const details = [
    ...(schema === undefined ? [] : [`schema ${schema}`]),
    ...(tablePrefix === undefined ? [] : [`tables ${tablePrefix}…`]),
  ]
  try {
    return [describeStoreUrl(url), ...details].join(', ')
  } catch (error) {
    throw tellBadUrl(error)
  }
}
