import { join } from 'node:path'
import Database from 'libsql'
import { expect, it } from 'vitest'
import { loadSqlite } from '../../../src/stores/sql/sqlite-drivers.ts'
import { useFolder } from './databases.ts'

const folder = useFolder()

/** A file without a write-ahead log, as a backup is: its readers meet the locks of those who write. */
async function openBeside(name: string) {
  const file = join(folder, name)
  const other = new Database(file)
  other.exec('pragma busy_timeout = 1')
  other.exec('create table counted (number integer)')
  const database = (await loadSqlite())(file)
  database.prepare('pragma busy_timeout = 1').run([])
  const count = () => database.prepare('select count(*) as n from counted').all([])
  // It knows the tables by now: else it would meet the lock before there is a statement.
  expect(count()).toEqual([{ n: 0 }])
  return {
    other,
    database,
    count,
    close() {
      database.close()
      other.close()
    },
  }
}

const locked = /database is locked/

it('a read that met a lock holds none itself once others have written', async () => {
  const { other, database, count, close } = await openBeside('read.db')
  other.exec('begin exclusive')
  expect(count).toThrow(locked)
  expect(count).toThrow(locked)
  other.exec('commit')
  expect(count()).toEqual([{ n: 0 }])
  for (let n = 1; n <= 3; n++) {
    other.exec('insert into counted values (1)')
    expect(count()).toEqual([{ n }])
  }
  database.prepare('begin immediate').run([])
  database.prepare('insert into counted values (1)').run([])
  database.prepare('commit').run([])
  expect(count()).toEqual([{ n: 4 }])
  close()
})

it('a transaction after a read that met a lock begins from the present, and ends', async () => {
  const { other, database, count, close } = await openBeside('transaction.db')
  other.exec('begin exclusive')
  expect(count).toThrow(locked)
  other.exec('commit')
  other.exec('insert into counted values (1)')
  database.prepare('begin immediate').run([])
  expect(count()).toEqual([{ n: 1 }])
  database.prepare('rollback').run([])
  other.exec('insert into counted values (1)')
  expect(count()).toEqual([{ n: 2 }])
  close()
})
