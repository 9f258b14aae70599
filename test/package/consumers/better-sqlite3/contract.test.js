// Without libsql, `sqlite:` means better-sqlite3.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { expect } from 'expect'
import { createSqlStore } from 'writekey/sql'
import { storeContract } from 'writekey/testing'

it('has no other driver to take', () => {
  assert.throws(() => createRequire(import.meta.url).resolve('libsql'), { code: 'MODULE_NOT_FOUND' })
})

storeContract({ describe, it, expect }, 'a file, by better-sqlite3', () => {
  const url = `sqlite:./${randomUUID()}.db`
  return { store: createSqlStore({ url }), open: () => createSqlStore({ url }) }
})

storeContract({ describe, it, expect }, 'memory, by better-sqlite3 handed in', () =>
  createSqlStore({ url: 'sqlite::memory:', driver: Database }),
)
