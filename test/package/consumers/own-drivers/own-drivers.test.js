// An app that has old versions of what writekey/sql takes, for purposes of its own: npm installs writekey beside them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryStore, createWriteKeys } from 'writekey'
import { createSqlStore } from 'writekey/sql'

test('keeps keys in memory', async () => {
  const keys = createWriteKeys({ store: createMemoryStore() })
  const { key } = await keys.create({ name: 'Consumer', sourceType: 'server' })
  const authorization = `Basic ${btoa(`${key}:`)}`
  const verdict = await keys.verify({
    method: 'POST',
    path: '/v1/track',
    headers: { authorization },
    body: {},
  })
  assert.equal(verdict.ok, true)
  await keys.close()
})

test('says which version a store needs', async () => {
  const store = createSqlStore({ url: 'sqlite::memory:' })
  await assert.rejects(store.migrate(), {
    code: 'missing_driver',
    message: /^kysely 0\.27\.\d+ is installed, 0\.28 or later is needed/,
  })
  await store.close()
})
