import { badOption } from '../../runtime/config-error.ts'
import type { SqlDialect } from './dialect.ts'
import { importDriver } from './driver-import.ts'

/** A driver's module: what `import pg from 'pg'` or `import * as mysql2 from 'mysql2/promise'` gives. */
export type DriverModule = Record<string, unknown>

/** How to recognise the module for each database, and how to hand it in. */
const modules: Readonly<Record<SqlDialect, { has: (driver: DriverModule) => boolean; expected: string }>> = {
  postgres: {
    has: ({ Pool, Client }) => isFunction(Pool) && isFunction(Client),
    expected: "the module of pg (import pg from 'pg')",
  },
  mysql: {
    has: ({ createPool, createConnection }) => isFunction(createPool) && isFunction(createConnection),
    expected: "the module of mysql2 (import * as mysql2 from 'mysql2/promise')",
  },
  sqlite: {
    has: ({ DatabaseSync, default: Database }) =>
      isFunction(DatabaseSync) || (isFunction(Database) && isFunction(Database.prototype?.prepare)),
    expected:
      "the module of libsql, better-sqlite3 or node:sqlite (import Database from 'libsql', import * as sqlite from 'node:sqlite')",
  },
}

/**
 * The option `driver`: a driver that the application has imported itself, as its module or as the module's
 * default export.
 * @throws ConfigError when it is another database's, or no driver.
 */
export function parseDriver(value: unknown, dialect: SqlDialect): DriverModule {
  const { has, expected } = modules[dialect]
  const found = [value, (value as DriverModule | null | undefined)?.default, { default: value }].find(
    (candidate) => isModule(candidate) && has(candidate),
  )
  if (found === undefined) throw badOption('driver', value, `${expected}, as the url asks for it`)
  return found as DriverModule
}

/** The given driver, else the installed one. @throws StoreError `missing_driver`. */
export async function driverOr(
  given: DriverModule | undefined,
  name: string,
  whatFor: string,
): Promise<DriverModule> {
  if (given !== undefined) return given
  const module = await importDriver(name, whatFor)
  return (module.default ?? module) as DriverModule
}

function isModule(value: unknown): value is DriverModule {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function isFunction(value: unknown): value is { prototype?: { prepare?: unknown } } {
  return typeof value === 'function'
}
