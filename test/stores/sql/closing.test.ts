import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { auditEntry } from './audit-entry.ts'

it('lets transactions end before it closes the file, so that no lock stays behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-closing-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const url = `sqlite:${join(folder, 'keys.db')}`
  const first = createSqlStore({ url })
  await first.migrate()
  const record = createKeyRecord()
  const inserted = first.insert(record, auditEntry())
  await first.close()
  await inserted

  const second = createSqlStore({ url })
  expect(await second.insert(createKeyRecord(), auditEntry())).toBeDefined()
  expect(await second.get(record.id)).toEqual(record)
  await second.close()
})

it('says nothing of a lease that it was setting', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-closing-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const store = createSqlStore({ url: `sqlite:${join(folder, 'keys.db')}` })
  await store.migrate()
  const underWay = store.setLease?.(60)
  const closed = store.close()
  await expect(store.setLease?.(70)).resolves.toBeUndefined()
  await Promise.all([underWay, closed])
  await expect(store.get('wk_a')).rejects.toThrow('This store has been closed.')
})
