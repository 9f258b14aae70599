import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { Kysely, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore, type SqlStore } from '../../../src/stores/sql/index.ts'
import type { KeyRecord } from '../../../src/testing/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { auditEntry } from './audit-entry.ts'
import { onDisk, useFolder } from './databases.ts'

const secretOf = (record: KeyRecord) => record.secrets[0]?.keyHash as string

describe('a SQLite file that another one takes the place of', () => {
  const folder = useFolder(onDisk)

  /** A path, and a store at it, closed at the end. */
  function openStore(file: string): SqlStore {
    const store = createSqlStore({ url: `sqlite:${file}` })
    onTestFinished(() => store.close())
    return store
  }

  const newFile = () => join(folder, `${randomBase62(8)}.db`)

  /** A file with one key, whole without a log, as a backup makes it. */
  async function fileWith(record: KeyRecord): Promise<string> {
    const [file, backup] = [newFile(), newFile()]
    const store = createSqlStore({ url: `sqlite:${file}` })
    await store.insert(record, auditEntry())
    const database = new Database(file)
    database.exec(`vacuum into '${backup}'`)
    database.close()
    await store.close()
    return backup
  }

  function expectWhole(file: string): void {
    const check = new Database(file)
    expect(check.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    check.close()
  }

  it('is noticed at the next poll, and read from then on', async () => {
    const [record, other] = [createKeyRecord(), createKeyRecord()]
    const file = newFile()
    const store = openStore(file)
    await store.insert(record, auditEntry())
    const { position } = await store.poll({ since: null })
    renameSync(await fileWith(other), file)
    const answer = await store.poll({ since: position, keyHash: secretOf(record) })
    expect(answer).toMatchObject({ history: 'lost', changed: 'all' })
    expect(answer.record).toBeUndefined()
    expect((await store.poll({ since: answer.position, keyHash: secretOf(other) })).record).toEqual(other)
  })

  it('gets no pages of the old log, and its changes are seen by every process', async () => {
    const file = newFile()
    const stores = [openStore(file), openStore(file), openStore(file)] as const
    for (let index = 0; index < 20; index++) await stores[0].insert(createKeyRecord(), auditEntry())
    for (const store of stores) await store.poll({ since: null })
    const kept = createKeyRecord()
    const replacement = await fileWith(kept)
    expect(existsSync(`${file}-wal`)).toBe(true)
    renameSync(replacement, file)
    const changed: KeyRecord[] = []
    for (const store of stores) {
      await store.poll({ since: null })
      changed.push(createKeyRecord())
      expect(await store.insert(changed.at(-1) as KeyRecord, auditEntry())).toBeDefined()
    }
    for (const store of stores) {
      for (const record of [kept, ...changed]) expect(await store.get(record.id)).toEqual(record)
      expect((await store.poll({ since: null })).position.revision).toBe(2 + changed.length)
    }
    expectWhole(file)
    expect(readdirSync(folder).filter((name) => name.includes(`-wal-`))).toEqual([])
  })

  it('gets no pages of the log of a file that was there for a while and that whoever is first has not seen', async () => {
    const file = newFile()
    const [seldom, often] = [openStore(file), openStore(file)]
    await seldom.insert(createKeyRecord(), auditEntry())
    await often.poll({ since: null })
    const last = createKeyRecord()
    const [between, after] = [await fileWith(createKeyRecord()), await fileWith(last)]
    renameSync(between, file)
    for (let index = 0; index < 20; index++) await often.insert(createKeyRecord(), auditEntry())
    renameSync(after, file)
    expect((await seldom.poll({ since: null, keyHash: secretOf(last) })).record).toEqual(last)
    const added = createKeyRecord()
    expect(await often.insert(added, auditEntry())).toBeDefined()
    for (const store of [seldom, often]) {
      for (const record of [last, added]) expect(await store.get(record.id)).toEqual(record)
    }
    expectWhole(file)
  })

  it('gets no pages of the old log where a store opens it that has not seen the old file', async () => {
    const file = newFile()
    const before = openStore(file)
    for (let index = 0; index < 20; index++) await before.insert(createKeyRecord(), auditEntry())
    const record = createKeyRecord()
    renameSync(await fileWith(record), file)
    const store = openStore(file)
    expect((await store.poll({ since: null, keyHash: secretOf(record) })).record).toEqual(record)
    expect(await before.get(record.id)).toEqual(record)
    expectWhole(file)
  })

  it('finds no log where the store of the old file was closed before it saw the new one', async () => {
    const file = newFile()
    const store = createSqlStore({ url: `sqlite:${file}` })
    for (let index = 0; index < 20; index++) await store.insert(createKeyRecord(), auditEntry())
    renameSync(await fileWith(createKeyRecord()), file)
    await store.close()
    expect(existsSync(`${file}-wal`)).toBe(false)
    expect(existsSync(`${file}-shm`)).toBe(false)
    expectWhole(file)
  })

  it('is whole without its log once all stores are closed, and may be replaced then as well', async () => {
    const file = newFile()
    const stores = [openStore(file), openStore(file)] as const
    const records = Array.from({ length: 20 }, () => createKeyRecord())
    for (const record of records) await stores[0].insert(record, auditEntry())
    await stores[1].poll({ since: null })
    for (const store of stores) await store.close()
    copyFileSync(file, `${file}.copy`)
    const copy = openStore(`${file}.copy`)
    for (const record of records) expect(await copy.get(record.id)).toEqual(record)
    const other = createKeyRecord()
    renameSync(await fileWith(other), file)
    const store = openStore(file)
    expect(await store.get(other.id)).toEqual(other)
    expect(await store.get(records[0]?.id as string)).toBeUndefined()
    expect(await store.insert(createKeyRecord(), auditEntry())).toBeDefined()
    expectWhole(file)
  })

  it('stays that of each store of a process while others open and close it', async () => {
    const file = newFile()
    const record = createKeyRecord()
    const first = openStore(file)
    await first.insert(record, auditEntry())
    const { position } = await first.poll({ since: null })
    const second = openStore(file)
    await second.poll({ since: null })
    // Whoever closes a file last removes its log.
    const script = `const database = new (require('libsql'))(process.argv[1])
      database.exec("update writekey_keys set name = 'renamed'")
      database.close()`
    execFileSync(process.execPath, ['-e', script, file])
    expect(existsSync(`${file}-wal`)).toBe(true)
    for (const store of [first, second]) {
      expect((await store.poll({ since: position, keyHash: secretOf(record) })).record?.name).toBe('renamed')
    }
    expect(await first.insert(createKeyRecord(), auditEntry())).toBeDefined()
    expect((await second.poll({ since: position })).changed).toHaveLength(1)
  })

  it('may be reached by a link that is switched', async () => {
    const [before, after] = [createKeyRecord(), createKeyRecord()]
    const link = newFile()
    symlinkSync(await fileWith(before), link)
    const store = openStore(link)
    expect(await store.get(before.id)).toEqual(before)
    const { position } = await store.poll({ since: null })
    const next = newFile()
    symlinkSync(await fileWith(after), next)
    renameSync(next, link)
    expect(await store.poll({ since: position, keyHash: secretOf(after) })).toMatchObject({
      history: 'lost',
      record: after,
    })
  })

  it('may be missing for a while: nothing is trusted then, and nothing made in its place', async () => {
    const record = createKeyRecord()
    const file = newFile()
    const store = openStore(file)
    await store.insert(record, auditEntry())
    const { position } = await store.poll({ since: null })
    renameSync(file, `${file}.away`)
    const question = { since: position, keyHash: secretOf(record) }
    await expect((async () => store.poll(question))()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(existsSync(file)).toBe(false)
    renameSync(`${file}.away`, file)
    expect(await store.poll(question)).toMatchObject({ history: 'kept', record })
  })

  it('may be of an older version of the tables', async () => {
    const file = newFile()
    const store = openStore(file)
    await store.insert(createKeyRecord(), auditEntry())
    const { position } = await store.poll({ since: null })
    const old = new Database(`${file}.old`)
    old.exec(readFileSync(join(import.meta.dirname, 'version-1', 'sqlite.sql'), 'utf8'))
    old.close()
    renameSync(`${file}.old`, file)
    expect(await store.poll({ since: position })).toMatchObject({
      history: 'lost',
      position: { revision: 8 },
    })
  })

  it('is refused where the connection is the application’s', async () => {
    const file = await fileWith(createKeyRecord())
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(file) as never }) })
    onTestFinished(() => db.destroy())
    const store = createSqlStore({ db })
    await store.poll({ since: null })
    copyFileSync(file, `${file}.copy`)
    unlinkSync(file)
    renameSync(`${file}.copy`, file)
    await expect((async () => store.poll({ since: null }))()).rejects.toMatchObject({
      code: 'store_unavailable',
      message: /open it again/,
    })
    rmSync(file)
  })
})
