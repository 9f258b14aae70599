// Without any package, `sqlite:` means node:sqlite, where Node has it.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { isBuiltin } from 'node:module'
import { describe, it } from 'node:test'
import { expect } from 'expect'
import { createSqlStore } from 'writekey/sql'
import { storeContract } from 'writekey/testing'

if (isBuiltin('node:sqlite')) {
  const driver = await import('node:sqlite')
  storeContract({ describe, it, expect }, 'a file, by node:sqlite', () => {
    const url = `sqlite:./${randomUUID()}.db`
    return { store: createSqlStore({ url }), open: () => createSqlStore({ url }) }
  })

  storeContract({ describe, it, expect }, 'memory, by node:sqlite handed in', () =>
    createSqlStore({ url: 'sqlite::memory:', driver }),
  )
} else {
  it('says what to install on a Node without node:sqlite', async () => {
    await assert.rejects(createSqlStore({ url: 'sqlite::memory:' }).migrate(), (error) => {
      assert.equal(error.code, 'missing_driver')
      assert.match(error.message, /npm install libsql/)
      return true
    })
  })
}
