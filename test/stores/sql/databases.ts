import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { randomBase62 } from '../../../src/keys/base62.ts'

/** A database of this run alone, made before the suite's tests and dropped after them. `url` is known inside tests. */
export interface TestDatabase {
  readonly url: string
}

/** @param encoding of the database; default: the server's. */
export function usePostgresDatabase(address: string, encoding?: 'LATIN1'): TestDatabase {
  const name = databaseName()
  const admin = async (statement: string) => {
    const client = new pg.Client({ connectionString: address })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  const as =
    encoding === undefined ? '' : ` encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`
  beforeAll(() => admin(`create database "${name}"${as}`))
  afterAll(() => admin(`drop database "${name}" with (force)`))
  return { url: withDatabase(address, name) }
}

export function useMysqlDatabase(address: string): TestDatabase {
  const name = databaseName()
  const admin = async (statement: string) => {
    const connection = await createConnection({ uri: address })
    await connection.query(statement)
    await connection.end()
  }
  // As a server set up without care: the tables have to bring their own character set.
  beforeAll(() => admin(`create database ${name} character set latin1`))
  afterAll(() => admin(`drop database ${name}`))
  return { url: withDatabase(address, name) }
}

/** A folder for files of this run alone. */
export function useFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-sql-'))
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
