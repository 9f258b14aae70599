import { describe, expect, it } from 'vitest'
import {
  createContext,
  createMemoryStore,
  createWriteKeys,
  findContext,
  type IngestRequest,
  resolveAdapterOptions,
  verifyOnce,
  type WriteKeys,
} from '../../src/index.ts'
import { basic } from '../contract/golden/golden-request.ts'

/** An adapter as the frameworks' are made, and how often its keys were asked. */
async function createAdapter(requestProperty: string, keys: WriteKeys = createKeys()) {
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
  const request: IngestRequest = {
    method: 'POST',
    path: '/v1/track',
    headers: { authorization: basic(key) },
    body: { type: 'track', event: 'Signed Up' },
  }
  const adapter = {
    keys,
    asked: 0,
    async pass(holder: object, inner = holder, eventType?: string) {
      resolveAdapterOptions(keys, { requestProperty })
      const before = findContext(holder, inner)
      const ask = () => {
        adapter.asked++
        return request
      }
      const verdict = await verifyOnce(keys, before, ask, eventType)
      if (verdict.ok)
        Object.assign(holder, { [requestProperty]: createContext(verdict, keys, eventType, before) })
      return verdict
    },
  }
  return adapter
}

function createKeys(): WriteKeys {
  return createWriteKeys({ store: createMemoryStore() })
}

describe('a request that passes several adapters', () => {
  it('is verified once by the same keys, whatever name each adapter has for the result', async () => {
    const keys = createKeys()
    const [outer, inner] = [await createAdapter('writeKey', keys), await createAdapter('sender', keys)]
    const holder: Record<string, unknown> = {}
    await outer.pass(holder)
    await inner.pass(holder)
    expect([outer.asked, inner.asked]).toEqual([1, 0])
    expect(holder.sender).toEqual(holder.writeKey)
  })

  it('is verified by each of several keys once, in whatever order they come', async () => {
    const [first, second] = [await createAdapter('writeKey'), await createAdapter('writeKey')]
    const holder: Record<string, unknown> = {}
    for (const adapter of [first, second, first, second, first])
      expect(await adapter.pass(holder)).toMatchObject({ ok: true })
    expect([first.asked, second.asked]).toEqual([1, 1])
  })

  it('is found by the newest of its contexts, on the request or the one inside of it', async () => {
    const [first, second] = [await createAdapter('writeKey'), await createAdapter('sender')]
    const [holder, inner] = [{}, {}] as Record<string, unknown>[] as [object, object]
    await first.pass(inner)
    expect(findContext(holder, inner)).toBe(Reflect.get(inner, 'writeKey'))
    await second.pass(holder, inner)
    expect(findContext(holder, inner)).toBe(Reflect.get(holder, 'sender'))
    await first.pass(holder, inner)
    expect([first.asked, second.asked]).toEqual([1, 1])
  })

  it('is checked against the event type that an inner adapter names', async () => {
    const adapter = await createAdapter('writeKey')
    const holder = {}
    await adapter.pass(holder)
    expect(await adapter.pass(holder, holder, 'track')).toMatchObject({ ok: true })
    expect(await adapter.pass(holder, holder, 'page')).toMatchObject({ reason: 'event_type_mismatch' })
    expect(adapter.asked).toBe(1)
  })

  it('is verified again when what is there is no context', async () => {
    const adapter = await createAdapter('writeKey')
    for (const other of [null, 'sk_live_x', {}, { id: 'wk_x', events: [] }]) {
      expect(findContext({ writeKey: other })).toBeUndefined()
    }
    const holder: Record<string, unknown> = {}
    await adapter.pass(holder)
    await adapter.pass({ writeKey: structuredClone(holder.writeKey) })
    expect(adapter.asked).toBe(2)
  })
})
