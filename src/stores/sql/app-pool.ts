import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
import { badOption } from '../../runtime/config-error.ts'
import { type Connections, readerDeadlineMs, writerDeadlineMs } from './connections.ts'
import { guardPool, type RawPool } from './mysql-guard.ts'
import { mysqlText } from './mysql-text.ts'
import { borrowClient, type PostgresPool } from './postgres-connection.ts'
import type { ListeningClient } from './postgres-listener.ts'

/** An application's pool: a `Pool` of `pg`, or what `createPool` of `mysql2` or `mysql2/promise` returns. */
export type ApplicationPool =
  | { connect(): Promise<unknown>; readonly totalCount: number }
  // biome-ignore lint/suspicious/noExplicitAny: mysql2 has one with a callback and one that gives a promise
  | { getConnection(...parameters: any[]): unknown; readonly config?: unknown; readonly pool?: unknown }

/** How an application's pool is used: one connection per statement or transaction. It stays open. */
export interface AdoptedPool {
  dialect: 'postgres' | 'mysql'
  open(): Promise<Connections>
  /** PostgreSQL: another client, made as the pool makes its own, not connected yet. */
  makeClient?: () => ListeningClient
}

/** @throws ConfigError when it is not a known kind of pool. */
export function adoptPool(value: unknown, option = 'pool'): AdoptedPool {
  const postgres = postgresPool(value)
  if (postgres !== undefined) {
    return {
      dialect: 'postgres',
      open: async () => connectionsOf((deadlineMs) => overPostgres(postgres, deadlineMs)),
      makeClient: () => new postgres.Client(postgres.options),
    }
  }
  const mysql = mysqlPool(value)
  if (mysql !== undefined) {
    const cuts = new Set<() => void>()
    return {
      dialect: 'mysql',
      open: async () => ({
        ...connectionsOf((deadlineMs) => overMysql(mysql, deadlineMs, cuts)),
        cut() {
          for (const cut of [...cuts]) cut()
        },
      }),
    }
  }
  throw badOption(option, value, 'a Pool of pg, or what createPool() of mysql2 or mysql2/promise makes')
}

function connectionsOf(over: (deadlineMs: number) => Kysely<unknown>): Connections {
  // The application closes its pool.
  return { reader: over(readerDeadlineMs), writer: over(writerDeadlineMs), close: async () => {} }
}

function overPostgres(pool: PostgresPool, deadlineMs: number): Kysely<unknown> {
  const connect = () => borrowClient(pool, deadlineMs)
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool: { connect, end: async () => {} } }) })
}

function overMysql(pool: RawPool, deadlineMs: number, cuts: Set<() => void>): Kysely<unknown> {
  const guarded = guardPool(pool, { deadlineMs, cuts })
  const dialect = new MysqlDialect({ pool: { ...guarded, end: (done) => done(undefined) } })
  return new Kysely<unknown>({ dialect }).withPlugin(mysqlText)
}

/** Not recognised by class: an application may have another copy of `pg`, or a pool of the same shape. */
function postgresPool(value: unknown): (PostgresPool & MakesClients) | undefined {
  const pool = value as Partial<PostgresPool & MakesClients> | null | undefined
  if (typeof pool?.connect !== 'function' || typeof pool.totalCount !== 'number') return undefined
  return pool as PostgresPool & MakesClients
}

interface MakesClients {
  Client: new (options: unknown) => ListeningClient
  options: unknown
}

/** A pool with promises wraps one with callbacks. */
function mysqlPool(value: unknown): RawPool | undefined {
  const outer = value as { pool?: unknown } | null | undefined
  return [outer, outer?.pool].find(hasConnectionConfig)
}

function hasConnectionConfig(value: unknown): value is RawPool {
  const pool = value as
    | { getConnection?: unknown; config?: { connectionConfig?: unknown } }
    | null
    | undefined
  return typeof pool?.getConnection === 'function' && typeof pool.config?.connectionConfig === 'object'
}
