import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createMemoryStore, type KeyStore } from '../index.ts'
import type { SqlStore } from '../stores/sql/index.ts'
import { describeStoreUrl, parseStoreUrl } from '../stores/sql/store-url.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import type { Terminal } from './terminal.ts'

/** Where `serve` keeps its keys and its token, below the working directory, unless told otherwise. */
export const dataFolder = '.data'
const defaultFile = join(dataFolder, 'writekey.db')

/** The store that `--store`, `WRITEKEY_STORE` or the default says. */
export function storeUrl(option: string | undefined, { env }: Terminal): string {
  const url = option ?? env.WRITEKEY_STORE
  if (url === '') throw usageError('--store and WRITEKEY_STORE must not be empty.')
  return url ?? `sqlite:${defaultFile}`
}

/** A store in this process's memory: for trying things out. */
export const memoryUrl = 'memory:'

/**
 * Opens a store. An SQLite file that is not there is made only by those who ask for it: a typing error in the path must
 * not look like an empty store.
 *
 * @throws CliError for a URL of no known kind, or a file that is missing.
 */
export async function openStore(url: string, { create }: { create: boolean }): Promise<KeyStore | SqlStore> {
  if (url === memoryUrl) return createMemoryStore()
  const { dialect, private: isPrivate, target: path } = parseStoreUrl(url)
  if (dialect === 'sqlite' && !isPrivate && !existsSync(path)) {
    if (!create) {
      throw new CliError(
        exitCodes.unavailable,
        `There is no store at ${path}. Name one with --store or WRITEKEY_STORE, or make it with: writekey migrate`,
      )
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  }
  const { createSqlStore } = await loadSqlStores()
  return createSqlStore({ url })
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

/** Where a store is, with nothing of its URL that could be a password. */
export function describeStore(url: string): string {
  if (url === memoryUrl) return "this process's memory"
  return describeStoreUrl(url)
}
