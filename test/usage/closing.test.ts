import { describe, expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys, type KeyStore } from '../../src/index.ts'

const requests = 101

async function setUp(wrap: (store: KeyStore) => KeyStore = (store) => store) {
  const store = createMemoryStore()
  const errors: unknown[] = []
  const keys = createWriteKeys({
    store: wrap(store),
    credentials: ['header'],
    logger: { error: (details) => errors.push(details) },
  })
  const { writeKey, key } = await keys.create({ name: 'Web', sourceType: 'web' })
  const send = (body: unknown) =>
    keys.verify({ method: 'POST', path: '/v1/track', headers: { 'x-write-key': key }, body })
  const countStored = async () => {
    const to = Math.ceil(Date.now() / 300_000) * 300_000
    const query = { keyIds: [writeKey.id], from: to - 3_600_000, to, bucketMs: 300_000 }
    return (await store.usage?.read(query))?.reduce((sum, { count }) => sum + count, 0)
  }
  return { keys, send, countStored, errors }
}

/** Bodies that arrive when told to. */
function heldBodies() {
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const body = async () => {
    await arrived
    return '{"event":"a"}'
  }
  return { body, arrive }
}

describe('closing', () => {
  it('lets requests that are under way end, counts them, and refuses those that come', async () => {
    const { keys, send, countStored } = await setUp()
    const { body, arrive } = heldBodies()
    const underWay = Array.from({ length: requests }, () => send(body))
    await new Promise((resolve) => setImmediate(resolve))
    let closed = false
    const closing = keys.close().then(() => {
      closed = true
    })
    const late = await send({ event: 'b' })
    expect(late).toMatchObject({ ok: false, reason: 'store_unavailable', reply: { status: 503 } })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(closed).toBe(false)
    arrive()
    const verdicts = await Promise.all(underWay)
    expect(verdicts.filter(({ ok }) => ok)).toHaveLength(requests)
    await closing
    expect(await countStored()).toBe(requests)
  })

  it('waits no longer than three seconds for a body that does not come', async () => {
    const { keys, send } = await setUp()
    void send(heldBodies().body)
    const startedAt = performance.now()
    await keys.close()
    const tookMs = performance.now() - startedAt
    expect(tookMs).toBeGreaterThan(2_900)
    expect(tookMs).toBeLessThan(4_500)
  })

  it('is over in five seconds when nothing in the store answers any more', async () => {
    const never = () => new Promise<never>(() => {})
    let hangs = false
    const hangLater = <Call extends (...args: never[]) => unknown>(call: Call) =>
      ((...args) => (hangs ? never() : call(...args))) as Call
    const { keys, send, errors } = await setUp((store) => ({
      ...store,
      close: hangLater(store.close),
      ...(store.usage && { usage: { ...store.usage, add: hangLater(store.usage.add) } }),
    }))
    await send({ event: 'a' })
    hangs = true
    const startedAt = performance.now()
    await keys.close()
    expect(performance.now() - startedAt).toBeLessThan(5_500)
    expect(errors.length).toBeGreaterThan(0)
  })
})
