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
