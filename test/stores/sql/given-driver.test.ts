import * as libsql from 'libsql'
import mysql2 from 'mysql2'
import * as mysqlPromise from 'mysql2/promise'
import pg, * as pgModule from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { describeWithService } from '../../services.ts'
import { auditEntry } from './audit-entry.ts'
import { useMysqlDatabase, usePostgresDatabase } from './databases.ts'

/** That the driver is the one used: it counts what it opens. */
async function storesWith(url: string, driver: object, opened: () => number): Promise<void> {
  const store = createSqlStore({ url, driver, tablePrefix: `d${Math.random().toString(36).slice(2, 8)}_` })
  onTestFinished(() => store.close())
  const record = createKeyRecord()
  await store.insert(record, auditEntry(record.id))
  expect(await store.get(record.id)).toEqual(record)
  expect(opened()).toBeGreaterThan(0)
}

/** A class, and how often it has been constructed. */
function counted<Class extends new (...parameters: never[]) => object>(original: Class) {
  let count = 0
  const proxy = new Proxy(original, {
    construct(target, parameters, newTarget) {
      count++
      return Reflect.construct(target, parameters, newTarget)
    },
  })
  return { proxy, count: () => count }
}

/** A function, and how often it has been called. */
function called<F extends (...parameters: never[]) => unknown>(original: F) {
  let count = 0
  const counting = ((...parameters) => {
    count++
    return original(...parameters)
  }) as F
  return { counting, count: () => count }
}

describe('the option driver for SQLite', () => {
  it('takes libsql, as its module or its default export', async () => {
    for (const wrap of [(Database: object) => Database, (Database: object) => ({ default: Database })]) {
      const { proxy, count } = counted(libsql.default)
      await storesWith('sqlite::memory:', wrap(proxy), count)
    }
  })

  it('says why it opens no database', async () => {
    class Unbuilt {
      prepare() {}
      constructor() {
        throw new Error('Could not locate the bindings file. Tried:\n → /app/better_sqlite3.node')
      }
    }
    const store = createSqlStore({ url: 'sqlite::memory:', driver: Unbuilt })
    onTestFinished(() => store.close())
    await expect(store.migrate()).rejects.toMatchObject({
      code: 'missing_driver',
      message: expect.stringMatching(
        /^better-sqlite3 opens no database: Could not locate the bindings file\. .*npm rebuild better-sqlite3/,
      ),
    })
  })

  it.each([
    ["another database's", 'sqlite::memory:', pg, /^driver must be the module of libsql, better-sqlite3 or/],
    ["another database's", 'postgres://localhost/x', libsql, /^driver must be the module of pg/],
    ['a pool', 'mysql://localhost/x', { getConnection() {} }, /^driver must be the module of mysql2/],
    ['its name', 'postgres://localhost/x', 'pg', /received a string of 2 characters/],
    ['null', 'postgres://localhost/x', null, /received null/],
  ])('is refused when it is %s', (_, url, driver, message) => {
    expect(() => createSqlStore({ url, driver })).toThrow(message)
  })
})

describeWithService('postgres', 'the option driver for PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  it.each([
    ['default export', pg],
    ['module', pgModule],
  ])('takes the %s of pg', async (_, module) => {
    const { proxy, count } = counted(pg.Client)
    await storesWith(database.url, { ...module, Client: proxy }, count)
  })
})

describeWithService('mysql', 'the option driver for MySQL', (address) => {
  const database = useMysqlDatabase(address)
  it.each([
    ['mysql2', mysql2],
    ['mysql2/promise', mysqlPromise],
  ])('takes %s', async (_, module) => {
    const { counting, count } = called(module.createConnection as (config: never) => unknown)
    await storesWith(database.url, { ...module, createConnection: counting }, count)
  })
})
