import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { retryTransient, toStoreError } from '../../../src/stores/sql/driver-errors.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { explainFile } from '../../../src/stores/sql/sqlite-failure.ts'

const readOnly = 'attempt to write a readonly database'
const cannotWrite =
  'The SQLite file cannot be written to: check who may write the file and its folder, and whether the file system is read-only.'
const cannotOpen =
  /^The SQLite file cannot be opened: check the path, who may write the file and its folder, .*CANTOPEN\]$/
const isFull = 'The SQLite file cannot grow: the disk is full, or a quota is used up. [SQLITE_FULL]'

describe('a failure of SQLite says what to do', () => {
  // As the drivers have them, each tried with a user that may not write, a full disk and a text file.
  it.each([
    [
      { code: 'UNKNOWN_SQLITE_ERROR_1544', rawCode: 1544, message: readOnly },
      `${cannotWrite} [SQLITE_READONLY]`,
    ],
    [{ code: 'SQLITE_READONLY', rawCode: 8, message: readOnly }, `${cannotWrite} [SQLITE_READONLY]`],
    [{ code: 'SQLITE_READONLY_DIRECTORY', message: readOnly }, `${cannotWrite} [SQLITE_READONLY]`],
    [{ code: 'ERR_SQLITE_ERROR', errcode: 1544, message: readOnly }, `${cannotWrite} [SQLITE_READONLY]`],
    [{ code: 'SQLITE_FULL', rawCode: 13, message: 'database or disk is full' }, isFull],
    [{ code: 'ERR_SQLITE_ERROR', errcode: 13, message: 'database or disk is full' }, isFull],
    [
      {
        code: '',
        message: 'ConnectionFailed("Unable to open connection to local database keys.db: 14")',
      },
      cannotOpen,
    ],
    [{ code: 'SQLITE_CANTOPEN', message: 'unable to open database file' }, cannotOpen],
    [
      { code: 'UNKNOWN_SQLITE_ERROR_778', rawCode: 778, message: 'disk I/O error' },
      /could not be read or written: check the disk\. \[SQLITE_IOERR\]$/,
    ],
  ])('%o', (error, told) => {
    const { code, message } = toStoreError(Object.assign(new Error(), error))
    expect(code).toBe('store_unavailable')
    expect(message).toMatch(told)
  })

  it.each([
    ['EROFS', 'SQLITE_READONLY'],
    ['ENOSPC', 'SQLITE_FULL'],
    ['EACCES', 'SQLITE_CANTOPEN'],
  ])('where it cannot be made: %s', (code, name) => {
    const error = Object.assign(new Error(`${code}: no, open 'keys.db'`), { code })
    expect(explainFile(error).message).toMatch(
      new RegExp(`^The SQLite file cannot .* ${code}: no, open 'keys.db'. \\[${name}\\]$`),
    )
  })

  it('is told by a store at a file that is none, and below one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'writekey-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const text = join(folder, 'text')
    await writeFile(text, 'a text, not a database. '.repeat(100))
    const refusals = [
      [text, /^The file is no SQLite database, or it is encrypted: check the path\. \[SQLITE_NOTADB\]$/],
      [folder, cannotOpen],
      [join(text, 'keys.db'), /^The SQLite file cannot be opened: .* mkdir .*\[SQLITE_CANTOPEN\]$/],
    ] as const
    for (const [path, message] of refusals) {
      const store = createSqlStore({ url: `sqlite:${path}` })
      await expect(store.get('wk_0123456789abcdef')).rejects.toThrow(message)
      await store.close()
    }
  })
})

it.each([{ rawCode: 262 }, { errcode: 517 }, { code: 'SQLITE_BUSY_SNAPSHOT' }])(
  'SQLite is asked again after a lock: %o',
  async (error) => {
    let asked = 0
    const answer = await retryTransient(async () => {
      if (++asked === 1) throw Object.assign(new Error('database is locked'), error)
      return asked
    })
    expect(answer).toBe(2)
  },
)
