import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { parseListQuery } from '../../../src/keys/list-query.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { describeWithService } from '../../services.ts'
import { auditEntry } from './audit-entry.ts'
import { useMysqlDatabase } from './databases.ts'

const oddName = `wk@/?#%:&=+ ;,$40%40${randomBase62(6)}`

function withName(address: string): string {
  const url = new URL(address)
  url.pathname = `/${encodeURIComponent(oddName)}`
  return url.href
}

describeWithService('postgres', 'the URL of a database of PostgreSQL', (address) => {
  it('names it percent-encoded, whatever characters it has', async () => {
    const client = new pg.Client({ connectionString: address })
    await client.connect()
    await client.query(`create database "${oddName}"`)
    onTestFinished(async () => {
      await client.query(`drop database "${oddName}" with (force)`)
      await client.end()
    })
    const store = createSqlStore({ url: withName(address) })
    onTestFinished(() => store.close())
    const lost: unknown[] = []
    const heard = new Promise<void>((listens) => {
      store.watch?.(
        () => listens(),
        (error) => lost.push(error),
      )
    })
    expect(await store.insert(createKeyRecord(), auditEntry())).toBeDefined()
    await heard
    expect(lost).toEqual([])
  })
})

describeWithService('mysql', 'the URL of a database of MariaDB', (address) => {
  const database = useMysqlDatabase(address)

  it('names it percent-encoded, whatever characters it has', async () => {
    const connection = await createConnection({ uri: address })
    await connection.query(`create database \`${oddName}\``)
    onTestFinished(async () => {
      await connection.query(`drop database \`${oddName}\``)
      await connection.end()
    })
    const store = createSqlStore({ url: withName(address) })
    onTestFinished(() => store.close())
    expect(await store.insert(createKeyRecord(), auditEntry())).toBeDefined()
  })

  it.each([
    'rowsAsArray=true',
    'nestTables=true',
    'nestTables=_',
    'typeCast=false',
    'dateStrings=true&decimalNumbers=true&bigNumberStrings=true&supportBigNumbers=false',
    'namedPlaceholders=true&jsonStrings=true&stringifyObjects=true&queryFormat=x',
  ])('may have %s, which changes nothing of what is read', async (parameters) => {
    const store = createSqlStore({ url: `${database.url}?${parameters}` })
    onTestFinished(() => store.close())
    const record = createKeyRecord()
    await store.insert(record, auditEntry())
    expect(await store.get(record.id)).toEqual(record)
    expect((await store.list(parseListQuery({ limit: 100 }))).data).toContainEqual(record)
  })
})
