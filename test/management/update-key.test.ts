import { describe, expect, it, onTestFinished } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys, type WriteKeyEvent } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { base, callApi } from '../admin/admin-calls.ts'

const token = 'ops-0123456789-0123456789-0123456789'
const stores = { memory: createMemoryStore, SQLite: () => createSqlStore({ url: 'sqlite::memory:' }) }
const rules = {
  name: 'Web',
  rateLimitEps: 50,
  senderRateLimitEps: null,
  allowedEventTypes: ['track'] as const,
  allowedOrigins: ['https://app.example.com'],
  metadata: { team: 'growth', tags: ['a', 'b'] },
  expiresAt: new Date('2099-01-01T00:00:00Z'),
  trial: { allowedIps: ['203.0.113.0/24'], rateLimitEps: 5 },
}

async function start(store = createMemoryStore() as ReturnType<(typeof stores)[keyof typeof stores]>) {
  if ('migrate' in store) await store.migrate()
  const events: WriteKeyEvent[] = []
  const keys = createWriteKeys({ store, logger: false, onEvent: (event) => events.push(event) })
  onTestFinished(() => keys.close())
  const { writeKey } = await keys.create({ ...rules, sourceType: 'web' })
  const call = callApi(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] }))
  const patch = (body: object, headers?: Record<string, string>) =>
    call('PATCH', `${base}/${writeKey.id}`, { token, body, ...(headers && { headers }) })
  const actions = async () => (await keys.audit({ keyId: writeKey.id })).data.map(({ action }) => action)
  const told = () => events.flatMap((event) => (event.type === 'key_changed' ? [event.action] : []))
  return { keys, id: writeKey.id, before: writeKey, patch, actions, told }
}

describe('an update that changes nothing', () => {
  it.each(Object.entries(stores))('makes no version, entry or event: %s', async (_, create) => {
    const { keys, id, before, patch, actions, told } = await start(create())
    for (const same of [{}, rules, { metadata: { tags: ['a', 'b'], team: 'growth' } }, { plan: null }])
      expect(await keys.update(id, same)).toEqual(before)
    expect(await keys.update(id, rules, { version: 1 })).toEqual(before)
    const answer = await patch(
      { name: 'Web', trial: { rate_limit_eps: 5, allowed_ips: ['203.0.113.0/24'] } },
      { 'if-match': '"1"' },
    )
    expect(answer).toMatchObject({ status: 200, body: { version: 1 } })
    expect(answer.headers.get('etag')).toBe('"1"')
    expect(await keys.get(id)).toEqual(before)
    expect(await keys.update(id, { metadata: { ...rules.metadata, tags: ['b', 'a'] } })).toMatchObject({
      version: 2,
    })
    // What comes after it shows that nothing was on its way.
    await keys.update(id, { name: 'Shop' })
    await expect.poll(told).toEqual(['create', 'update', 'update'])
    expect(await actions()).toEqual(['update', 'update', 'create'])
  })

  it('is refused all the same with a version that is old', async () => {
    const { keys, id, patch } = await start()
    await keys.update(id, { name: 'Shop' })
    const conflict = { code: 'conflict', reason: 'version' }
    await expect(keys.update(id, { name: 'Shop' }, { version: 1 })).rejects.toMatchObject(conflict)
    expect(await patch({ name: 'Shop' }, { 'if-match': '"1"' })).toMatchObject({
      status: 409,
      body: conflict,
    })
    expect(await patch({ name: 'Shop', version: 1 })).toMatchObject({ status: 409, body: conflict })
    expect(await keys.get(id)).toMatchObject({ version: 2 })
  })

  it('is refused all the same for rules of a revoked key', async () => {
    const { keys, id } = await start()
    await keys.revoke(id)
    await expect(keys.update(id, { rateLimitEps: 50 })).rejects.toMatchObject({ reason: 'revoked' })
    expect(await keys.update(id, { name: 'Web' })).toMatchObject({ version: 2 })
  })
})
