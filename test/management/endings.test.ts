import { expect, it, onTestFinished, vi } from 'vitest'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'

it('an ending of a key that is only ever read as it was before gives up after ten seconds, and asks seldom', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const store = createMemoryStore()
  let isLagging = false
  let reads = 0
  const lagging = {
    ...store,
    get(id: string) {
      reads++
      return isLagging ? before : store.get(id)
    },
  }
  const keys = createWriteKeys({ store: lagging, pepper: null })
  onTestFinished(() => keys.close())
  const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
  const before = await store.get(writeKey.id)
  await keys.update(writeKey.id, { name: 'Site' })
  isLagging = true
  reads = 0
  const refused = expect(keys.revoke(writeKey.id)).rejects.toMatchObject({ code: 'store_unavailable' })
  await vi.advanceTimersByTimeAsync(11_000)
  await refused
  expect(reads).toBeLessThan(40)
  isLagging = false
  expect((await keys.revoke(writeKey.id)).status).toBe('revoked')
})
