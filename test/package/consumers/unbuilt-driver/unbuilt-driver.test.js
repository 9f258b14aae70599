// An app whose package manager runs no build scripts: better-sqlite3 is there without its native part.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { createSqlStore } from 'writekey/sql'

const cause = /better-sqlite3 opens no database: Could not locate the bindings file\. .*pnpm approve-builds/

/** Of Node.js itself, since 22.13. */
const hasNext = await import('node:sqlite').then(
  () => true,
  () => false,
)

test('takes the next driver, and says what to do when there is none', async () => {
  assert.throws(() => new Database(':memory:'), /Could not locate the bindings file/)
  const store = createSqlStore({ url: 'sqlite::memory:' })
  if (hasNext) assert.equal(await store.get('wk_none'), undefined)
  else await assert.rejects(store.get('wk_none'), { code: 'missing_driver', message: cause })
  await store.close()
})

test('says what to do when it is handed in', async () => {
  const store = createSqlStore({ url: 'sqlite::memory:', driver: Database })
  await assert.rejects(store.get('wk_none'), { code: 'missing_driver', message: cause })
  await store.close()
})
