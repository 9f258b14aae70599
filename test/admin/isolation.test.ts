import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'
import { base, callApi, tokens } from './admin-calls.ts'

async function setUp(
  wrap: (store: ReturnType<typeof createMemoryStore>) => ReturnType<typeof createMemoryStore>,
) {
  const keys = createWriteKeys({ store: wrap(createMemoryStore()), usage: { flushMs: 100 } })
  const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
  const send = async () => {
    const authorization = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
    return (await keys.verify({ method: 'POST', path: '/v1/track', headers: { authorization }, body: {} })).ok
  }
  return { keys, call: callApi(createAdminApi(keys, { tokens })), send }
}

const never = () => new Promise<never>(() => {})

describe('ingest', () => {
  it('goes on while every management call hangs in the store', async () => {
    const { call, send } = await setUp((store) => ({
      ...store,
      get: never,
      list: never,
      replace: never,
      remove: never,
      audit: { append: never, list: never },
      ...(store.usage !== undefined && {
        usage: { ...store.usage, add: never, read: never, lastEvents: never },
      }),
    }))
    for (let index = 0; index < 50; index++) {
      void call('GET', base)
      void call('GET', '/api/v1/events/audit-log')
      void call('PATCH', `${base}/wk_0123456789abcdef`, { body: { name: 'x' } })
      void call('POST', base, { token: 'wrong', body: {} })
    }
    const began = performance.now()
    for (let index = 0; index < 1_000; index++) expect(await send()).toBe(true)
    expect(performance.now() - began).toBeLessThan(5_000)
  })

  it('goes on while the management API is flooded', async () => {
    const { call, send, keys } = await setUp((store) => store)
    const flood = Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        call('GET', base, {
          token: index % 2 === 0 ? 'wrong' : tokens[0].token,
          address: `192.0.2.${index % 9}`,
        }),
      ),
    )
    for (let index = 0; index < 500; index++) expect(await send()).toBe(true)
    const statuses = new Set((await flood).map(({ status }) => status))
    expect([...statuses].toSorted()).toEqual([200, 401, 429])
    expect((await keys.list()).data).toHaveLength(1)
    await keys.close()
  })

  it('counts on when the usage of the store fails, and refuses nobody for it', async () => {
    const { send, keys } = await setUp((store) => ({
      ...store,
      ...(store.usage !== undefined && {
        usage: {
          ...store.usage,
          add() {
            throw new Error('disk full')
          },
        },
      }),
    }))
    for (let index = 0; index < 100; index++) expect(await send()).toBe(true)
    const [key] = (await keys.list()).data
    expect((await keys.usage(key?.id as string)).acceptedTotal).toBe(0)
    await keys.close()
  })
})
