import { expect, it } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import {
  createMemoryStore,
  createWriteKeys,
  type TrustedProxies,
  type WriteKeyEvent,
} from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { base, callApi, tokens } from './admin-calls.ts'

const acme = 'a-token-of-acme-for-this-test-alone-0123'

async function setUp() {
  const events: WriteKeyEvent[] = []
  const keys = createWriteKeys({
    store: createMemoryStore(),
    environment: 'staging',
    eventTypes: ['refund'],
    serverKeysInBrowsers: 'deny',
    trustedProxies: 1,
    onEvent: (event) => events.push(event),
  })
  const api = createAdminApi(keys, {
    tokens: [...tokens, { name: 'acme', token: acme, role: 'admin', workspace: 'acme' }],
  })
  const call = callApi(api)
  const check = async (body: object, options: object = {}) =>
    (await call('POST', `${base}/check`, { body, ...options })).body
  return { keys, call, check, events }
}

it('judges by the options of the server, and counts, charges and tells nothing', async () => {
  const { keys, check, events } = await setUp()
  const { key, writeKey } = await keys.create({ name: 'Billing', sourceType: 'server', rateLimitEps: 1 })
  events.length = 0
  for (let turn = 0; turn < 3; turn++)
    expect(await check({ key, type: 'refund', name: 'Paid', address: '192.0.2.1' })).toMatchObject({
      accepted: true,
      reason: null,
      status: 200,
      environment: 'staging',
      key: { id: writeKey.id },
    })
  expect(await check({ key, origin: 'https://app.example.com' })).toMatchObject({
    accepted: false,
    reason: 'origin_not_allowed',
    status: 403,
  })
  const { key: other } = await keys.create({ name: 'Test', sourceType: 'server', environment: 'test' })
  expect(await check({ key: other })).toMatchObject({ reason: 'wrong_environment', environment: 'staging' })
  await keys.pause(writeKey.id)
  expect(await check({ key })).toMatchObject({ reason: 'key_paused', status: 429 })
  expect((await check({ key: generateSecret('sk_test_') })).reason).toBe('unknown_key')
  expect((await check({ key: `${key}x` })).reason).toBe('malformed_key')
  expect(await check({ key, name: 'Paid' })).toMatchObject({ status: 422, field: 'name' })
  await keys.flush()
  const usage = await keys.usage(writeKey.id)
  expect([usage.acceptedTotal, usage.refusedTotal, usage.lastEventAt]).toEqual([0, 0, null])
  expect(events.filter(({ type }) => type === 'accepted' || type === 'refused')).toEqual([])
  await keys.close()
})

it('takes nothing from the budget for unknown keys of an address', async () => {
  const { keys, check } = await setUp()
  const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
  for (let turn = 0; turn < 200; turn++)
    await check({ key: generateSecret('sk_test_'), address: '192.0.2.1' })
  const unknown = await keys.verify({
    method: 'POST',
    path: '/v1/track',
    headers: { authorization: `Basic ${btoa(`${generateSecret('sk_test_')}:`)}` },
    ip: '192.0.2.1',
    body: {},
  })
  expect(unknown).toMatchObject({ ok: false, reason: 'unknown_key' })
  expect((await check({ key, address: '192.0.2.1' })).accepted).toBe(true)
  await keys.close()
})

it('knows no key of another workspace, and answers a viewer, as it only reads', async () => {
  const { keys, check, call } = await setUp()
  const own = await keys.create({ name: 'Web', sourceType: 'web', workspace: 'acme' })
  const { key } = await keys.create({ name: 'Web', sourceType: 'web', workspace: 'beta' })
  const asAcme = { token: acme }
  expect(await check({ key }, asAcme)).toMatchObject({ reason: 'unknown_key', key: null })
  expect(await check({ key: own.key }, asAcme)).toMatchObject({ accepted: true })
  const asViewer = { body: { key: own.key }, token: tokens[1].token }
  expect((await call('POST', `${base}/check`, asViewer)).body).toMatchObject({ accepted: true })
  await keys.close()
})

it('tells when a secret ended that its key has no more, and to no caller of one workspace', async () => {
  const { keys, check } = await setUp()
  const first = await keys.create({ name: 'Web', sourceType: 'web', workspace: 'acme' })
  const { id } = first.writeKey
  const second = await keys.rotate(id, { gracePeriodHours: 0 })
  const third = await keys.rotate(id, { gracePeriodHours: 1 })
  const [old] = (await keys.get(id)).secrets
  await keys.endGrace(id, old?.id as string)
  for (const { key } of [first, second]) {
    const { ended_at, ...answer } = await check({ key })
    expect(answer).toMatchObject({ reason: 'unknown_key', status: 401, key: null })
    expect(Math.abs(Date.parse(ended_at) - Date.now())).toBeLessThan(60_000)
    expect((await keys.check(key)).endedAt?.toISOString()).toBe(ended_at)
    expect(await check({ key }, { token: acme })).toMatchObject({ reason: 'unknown_key', ended_at: null })
  }
  for (const key of [third.key, generateSecret('sk_test_')])
    expect((await check({ key })).ended_at).toBeNull()
  await keys.close()
})

it('finds the key of an imported secret whose shape is not known', async () => {
  const secret = 'an-old-secret-of-another-product'
  const store = createMemoryStore()
  const importing = createWriteKeys({ store, importedKeys: /^an-old-[a-z-]{20,40}$/ })
  await importing.import([{ name: 'Old', sourceType: 'web', key: secret, workspace: 'acme' }])
  const keys = createWriteKeys({ store })
  const found = await keys.check(secret)
  expect([found.reason, found.writeKey?.name]).toEqual(['malformed_key', 'Old'])
  expect((await keys.check(secret, { workspace: 'beta' })).writeKey).toBeUndefined()
  expect((await keys.check('junk')).writeKey).toBeUndefined()
  // A missing customer, where a setting of TypeScript would not catch it.
  const nobody = { workspace: undefined } as unknown as { workspace: string }
  await expect(keys.check('junk', nobody)).rejects.toMatchObject({ field: 'workspace' })
  await Promise.all([keys.close(), importing.close()])
})

it('asks the store the same about a secret of another workspace as about one that nobody has', async () => {
  const memory = createMemoryStore()
  const asked: string[] = []
  // What a store does by itself in the background is no part of the answer.
  const store = new Proxy(memory, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const [first] = args as [{ keyHash?: string } | undefined]
        if (name !== 'poll' || first?.keyHash !== undefined) asked.push(String(name))
        return value.apply(target, args)
      }
    },
  })
  const peppers = ['newest-pepper-0123456789-0123456789', 'older-pepper-0123456789-01234567890', null]
  for (const lacked of ['none', 'one']) {
    if (lacked === 'one') {
      const ahead = createWriteKeys({
        store: memory,
        pepper: ['third-pepper-0123456789-012345678901', ...peppers],
      })
      await ahead.create({ name: 'Web', sourceType: 'web' })
    }
    const keys = createWriteKeys({ store, pepper: peppers, logger: false })
    const api = createAdminApi(keys, {
      tokens: [{ name: 'acme', token: acme, role: 'admin', workspace: 'acme' }],
      logger: false,
    })
    const call = callApi(api)
    const { key: others } = await createWriteKeys({
      store: memory,
      pepper: peppers.slice(0, 2),
      logger: false,
    }).create({ name: 'Web', sourceType: 'web', workspace: 'beta' })
    const answers = []
    for (const key of [others, generateSecret('sk_live_')]) {
      for (const path of ['find', 'check']) {
        await keys.flush()
        asked.length = 0
        const { status, body } = await call('POST', `${base}/${path}`, { body: { key }, token: acme })
        answers.push({ path, status, body: { ...body, instance: undefined }, asked: [...asked] })
      }
    }
    expect(answers.slice(0, 2)).toEqual(answers.slice(2))
    expect(answers[0]?.status).toBe(lacked === 'one' ? 503 : 404)
    await keys.close()
  }
})

it.each<[string, TrustedProxies | undefined]>([
  ['none named', undefined],
  ['one proxy', 1],
  ['two proxies', 2],
  ['ranges with the address', ['203.0.113.0/24']],
  ['every address', () => true],
])(
  'takes the address for the sender itself, whatever proxies are trusted (%s)',
  async (_, trustedProxies) => {
    const keys = createWriteKeys({ logger: false, ...(trustedProxies !== undefined && { trustedProxies }) })
    const make = async (rules: object) =>
      (await keys.create({ name: 'Web', sourceType: 'web', ...rules })).key
    const allowed = await make({ allowedIps: ['203.0.113.0/24'] })
    const denied = await make({ deniedIps: ['203.0.113.0/24'] })
    const reasonFor = async (key: string, address: string) => (await keys.check(key, { address })).reason
    expect(await reasonFor(allowed, '203.0.113.9')).toBeNull()
    expect(await reasonFor(allowed, '198.51.100.1')).toBe('ip_not_allowed')
    expect(await reasonFor(denied, '198.51.100.1')).toBeNull()
    expect(await reasonFor(denied, '203.0.113.9')).toBe('ip_not_allowed')
    await keys.close()
  },
)

it('refuses an address that is none, and names the field', async () => {
  const { keys, check } = await setUp()
  const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
  for (const address of ['', 'foo', '203.0.113.9:80', '203.0.113.0/24', '203.0.113.9, 10.0.0.1'])
    expect(await check({ key, address })).toMatchObject({ status: 422, field: 'address' })
  await expect(keys.check(key, { address: 'foo' })).rejects.toMatchObject({ code: 'invalid_field' })
  await keys.close()
})
