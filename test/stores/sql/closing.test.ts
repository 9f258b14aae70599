import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createSqlStore } from '../../../src/stores/sql/index.ts'

it('lets transactions end before it closes the file, so that no lock stays behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-closing-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const url = `sqlite:${join(folder, 'keys.db')}`
  const first = createSqlStore({ url })
  await first.migrate()
  const registered = first.registerLease?.('lse_first', 1_000)
  await first.close()
  await registered

  const second = createSqlStore({ url })
  await second.registerLease?.('lse_second', 2_000)
  expect(await second.longestLeaseMs?.('lse_second')).toBe(1_000)
  await second.close()
})
