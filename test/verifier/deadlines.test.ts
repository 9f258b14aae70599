import { expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'

it.each([
  ['before the deadline', 999, undefined],
  ['at the deadline', 1_000, 'expired_key'],
])('judges a key by the time when the store has answered: %s', async (_, answeredAt, reason) => {
  let now = 0
  const store = createMemoryStore()
  const keys = createWriteKeys({
    clock: { now: () => now, monotonic: () => now },
    store: {
      ...store,
      async poll(question) {
        now = answeredAt
        return store.poll(question)
      },
    },
  })
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web', expiresAt: 1_000 })
  const request = {
    method: 'POST',
    path: '/v1/track',
    headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
    body: { event: 'Sent' },
  }

  const verdict = await keys.verify(request)
  expect(verdict.ok ? undefined : verdict.reason).toBe(reason)

  // From the cache, without a wait.
  now = 1_000
  const later = await keys.verify(request)
  expect(later.ok ? undefined : later.reason).toBe('expired_key')
  await keys.close()
})
