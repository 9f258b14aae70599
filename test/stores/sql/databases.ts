import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { randomBase62 } from '../../../src/runtime/base62.ts'

/** A database of this run alone, made before the suite's tests and dropped after them. `url` is known inside tests. */
export interface TestDatabase {
  readonly url: string
}

/** @param encoding of the database; default: the server's. */
export function usePostgresDatabase(address: string, encoding?: 'LATIN1'): TestDatabase {
  const name = databaseName()
  beforeAll(() => makePostgres(address, name, encoding))
  afterAll(() => dropPostgres(address, name))
  return { url: withDatabase(address, name) }
}

export function useMysqlDatabase(address: string): TestDatabase {
  const name = databaseName()
  beforeAll(() => makeMysql(address, name))
  afterAll(() => dropMysql(address, name))
  return { url: withDatabase(address, name) }
}

/** A database of one test alone, by its URL. */
export async function postgresDatabase(address: string): Promise<string> {
  const name = databaseName()
  onTestFinished(() => dropPostgres(address, name))
  await makePostgres(address, name)
  return withDatabase(address, name)
}

export async function mysqlDatabase(address: string): Promise<string> {
  const name = databaseName()
  onTestFinished(() => dropMysql(address, name))
  await makeMysql(address, name)
  return withDatabase(address, name)
}

const makePostgres = (address: string, name: string, encoding?: 'LATIN1') =>
  runOnPostgres(
    address,
    `create database "${name}"${
      encoding === undefined ? '' : ` encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`
    }`,
  )
const dropPostgres = (address: string, name: string) =>
  runOnPostgres(address, `drop database "${name}" with (force)`)
// As a server set up without care: the tables have to bring their own character set.
const makeMysql = (address: string, name: string) =>
  runOnMysql(address, `create database ${name} character set latin1`)
const dropMysql = (address: string, name: string) => runOnMysql(address, `drop database ${name}`)

async function runOnPostgres(address: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: address })
  await client.connect()
  await client.query(statement)
  await client.end()
}

async function runOnMysql(address: string, statement: string): Promise<void> {
  const connection = await createConnection({ uri: address })
  await connection.query(statement)
  await connection.end()
}

/** The lease from the start, in tables that nobody uses yet: a shorter one counts only when nobody can go by the longer one any more. */
export async function beginWithLease(url: string, leaseMs: number, tablePrefix = 'writekey_'): Promise<void> {
  const statement = `update ${tablePrefix}meta set lease_ms = ${leaseMs}, longest_lease_ms = ${leaseMs}`
  if (url.startsWith('postgres')) await runOnPostgres(url, statement)
  else if (url.startsWith('mysql')) await runOnMysql(url, statement)
}

/** On a disk, whose file systems give a new file the number of one that is gone; those in memory do not. */
export const onDisk = process.env.WRITEKEY_TEST_DISK ?? tmpdir()

/** A folder for files of this run alone. */
export function useFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'writekey-sql-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function databaseName(): string {
  return `writekey_test_${randomBase62(12).toLowerCase()}`
}

function withDatabase(address: string, name: string): string {
  const url = new URL(address)
  url.pathname = `/${name}`
  return url.href
}
