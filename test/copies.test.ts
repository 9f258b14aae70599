import { inspect } from 'node:util'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createAdminApi } from '../src/admin/index.ts'
import { ConfigError, createWriteKeys, KeyError, StoreError } from '../src/index.ts'

type Root = typeof import('../src/index.ts')

/** A second copy of the package, as a bundle beside the installed one has, or `jest.resetModules()` makes. */
const other = {} as Root

beforeAll(async () => {
  vi.resetModules()
  Object.assign(other, await import('../src/index.ts'))
  expect(other.createWriteKeys).not.toBe(createWriteKeys)
})

const token = 't'.repeat(32)

/** Calls the admin API of this copy for keys of the other. */
function callAdmin(keys: object, method: string, path: string, body?: object): Promise<Response> {
  const api = createAdminApi(keys as Parameters<typeof createAdminApi>[0], {
    logger: false,
    tokens: [{ name: 'ops', token, role: 'admin' }],
  })
  const request = new Request(`http://127.0.0.1/api/v1/events/write-keys${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return api.fetch(request, { address: '127.0.0.1' })
}

/** A store that does not answer in time. */
const lateStore = () =>
  new Proxy(other.createMemoryStore(), {
    get: (store, name) =>
      name === 'get'
        ? () => Promise.reject(new other.StoreError('store_timeout', 'It did not answer in time.'))
        : Reflect.get(store, name, store),
  })

describe('errors of another copy', () => {
  it('are of the classes of this one', async () => {
    const keys = other.createWriteKeys({ logger: false })
    const error = await keys.revoke('wk_none').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(other.KeyError)
    expect(error).toBeInstanceOf(KeyError)
    expect(error).not.toBeInstanceOf(StoreError)
    expect(error).not.toBeInstanceOf(ConfigError)
    expect(new other.StoreError('store_timeout', 'Late.')).toBeInstanceOf(StoreError)
    expect(() => other.createWriteKeys({ peper: 'a' } as object)).toThrow(ConfigError)
    await keys.close()
  })

  it('are not mistaken for those of another class', () => {
    class Own extends KeyError {}
    const look = { name: 'KeyError', code: 'not_found', message: 'No such key.' }
    expect(Object.assign(new Error(look.message), look)).not.toBeInstanceOf(KeyError)
    expect(new Own('not_found', 'No such key.')).toBeInstanceOf(KeyError)
    expect(new other.KeyError('not_found', 'No such key.')).not.toBeInstanceOf(Own)
    for (const value of [undefined, null, 'KeyError', 404]) expect(value).not.toBeInstanceOf(KeyError)
  })

  it('show nothing of it where they are logged', () => {
    const error = new KeyError('not_found', 'No such key.')
    expect(inspect(error)).not.toContain('Symbol')
    expect(Object.getOwnPropertySymbols({ ...error })).toEqual([])
  })

  it('are answered by the admin API with what they say', async () => {
    const keys = other.createWriteKeys({ logger: false })
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    await keys.revoke(writeKey.id)
    const answers = [
      await callAdmin(keys, 'GET', '/wk_none'),
      await callAdmin(keys, 'POST', `/${writeKey.id}/rotate`, { grace_period_hours: 1 }),
      await callAdmin(keys, 'POST', '', { name: 'x', source_type: 'webb' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([404, 409, 422])
    await keys.close()
  })

  it('of a store are answered as an outage', async () => {
    const keys = other.createWriteKeys({ logger: false, store: lateStore() })
    expect((await callAdmin(keys, 'GET', '/wk_none')).status).toBe(503)
    await keys.close()
  })
})
