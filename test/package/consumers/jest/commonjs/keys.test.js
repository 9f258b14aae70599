const { createMemoryStore, createWriteKeys } = require('writekey')
const { createSqlStore } = require('writekey/sql')

test.each([
  ['memory', () => createMemoryStore()],
  ['SQLite', () => createSqlStore({ url: 'sqlite::memory:' })],
])('keeps keys in %s', async (_, createStore) => {
  const keys = createWriteKeys({ store: createStore() })
  const { key } = await keys.create({
    name: 'Consumer',
    sourceType: 'web',
    allowedOrigins: ['https://*.example.com'],
  })
  const authorization = `Basic ${btoa(`${key}:`)}`
  const verdict = await keys.verify({
    method: 'POST',
    path: '/v1/track',
    headers: { authorization },
    body: {},
  })
  expect(verdict).toMatchObject({ ok: true, events: [{}] })
  await keys.close()
})

test('names a driver that is missing', async () => {
  const store = createSqlStore({ url: 'postgres://127.0.0.1:1/none', notifications: false })
  await expect(store.migrate()).rejects.toThrow('npm install pg')
  await store.close()
})
