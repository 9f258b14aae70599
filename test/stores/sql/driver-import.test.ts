import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadDriver } from '../../../src/stores/sql/driver-import.ts'

const folder = mkdtempSync(join(tmpdir(), 'writekey-driver-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a driver that fails as it loads is named with the first line of its error', async () => {
  const driver = join(folder, 'broken.cjs')
  writeFileSync(driver, "throw new Error('its native part is missing\\n\\nRequired by: 20 paths')")

  await expect(loadDriver(driver)).rejects.toThrow(
    expect.objectContaining({
      code: 'missing_driver',
      message: `the package "${driver}" does not load: its native part is missing`,
    }),
  )
})

test('a driver that is not there is named with the command that installs it', async () => {
  await expect(loadDriver('no-such-driver')).rejects.toThrow(
    'the package "no-such-driver" is missing (npm install no-such-driver)',
  )
})
