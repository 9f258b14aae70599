import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  type ImportKeyInput,
  type ImportResult,
  type KeyStore,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { randomBase62 } from '../../src/runtime/base62.ts'

const importedKeys = /^[A-Za-z0-9]{32}$/
const foreign = () => randomBase62(32)
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const ios = (fields: object): ImportKeyInput =>
  ({ name: 'iOS', sourceType: 'mobile', ...fields }) as ImportKeyInput

async function send(keys: WriteKeys, secret: string, options: { ip?: string } = {}): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${secret}:`).toString('base64')}`
  const body = { type: 'track', event: 'Sent' }
  const verdict = await keys.verify({
    method: 'POST',
    path: '/v1/track',
    headers: { authorization },
    body,
    ...options,
  })
  return verdict.ok ? 'accepted' : verdict.reason
}

const outcomes = (results: readonly ImportResult[]) =>
  results.map((result) => (result.ok ? 'ok' : `${result.code} ${result.field}`))

function withKeys(options: WriteKeysOptions = {}): WriteKeys {
  return createWriteKeys({ importedKeys, ...options })
}

describe('import', () => {
  it('makes keys of secrets that were made elsewhere, which are accepted', async () => {
    const keys = withKeys()
    const secret = foreign()
    expect(await send(keys, secret)).toBe('unknown_key')
    const { results } = await keys.import([
      ios({ key: secret, rateLimitEps: 5, allowedEventTypes: ['track'], metadata: { was: 'Segment' } }),
    ])
    const [result] = results
    if (result?.ok !== true) throw new Error(JSON.stringify(result))
    expect(result.writeKey).toMatchObject({
      name: 'iOS',
      sourceType: 'mobile',
      rateLimitEps: 5,
      allowedEventTypes: ['track'],
      metadata: { was: 'Segment' },
      secrets: [{ imported: true, start: secret.slice(0, 8), expiresAt: null }],
    })
    expect(result).not.toHaveProperty('note')
    expect(await keys.get(result.writeKey.id)).toEqual(result.writeKey)
    expect(await send(keys, secret)).toBe('accepted')
  })

  it('gives each key its own result, in order, and makes all that can be', async () => {
    const keys = withKeys()
    const [one, other, own] = [foreign(), foreign(), generateSecret('acme_')]
    const inputs = [
      ios({ key: one }),
      ios({ key: one }),
      ios({ key: 'short' }),
      ios({ key: foreign(), name: '' }),
      ios({ key: foreign(), sourceType: 'desktop' }),
      ios({ key: foreign(), allowedOrigins: ['https://a.example/path'] }),
      ios({ key: foreign(), surprise: 1 }),
      ios({ key: own }),
      ios({}),
      null,
      ios({ key: `${'a'.repeat(20)}:${'b'.repeat(11)}` }),
      ios({ key: `${'a'.repeat(31)}é` }),
      ios({ key: 'a'.repeat(33) }),
      ios({ key: 'a'.repeat(257) }),
      ios({ key: `sk_live_${'a'.repeat(24)}` }),
      ios({ key: foreign(), keyHash: sha256('x') }),
      ios({ keyHash: 'abc' }),
      ios({ keyHash: sha256(other).toUpperCase() }),
      ios({ key: other }),
    ] as ImportKeyInput[]
    const { results } = await keys.import(inputs)
    expect(outcomes(results)).toEqual([
      'ok',
      'conflict key',
      'invalid_field key',
      'invalid_field name',
      'invalid_field sourceType',
      'invalid_field allowedOrigins',
      'invalid_field surprise',
      'ok',
      'invalid_field key',
      'invalid_field input',
      'invalid_field key',
      'invalid_field key',
      'invalid_field key',
      'invalid_field key',
      'invalid_field key',
      'invalid_field keyHash',
      'invalid_field keyHash',
      'ok',
      'conflict key',
    ])
    const told = JSON.stringify(results)
    for (const secret of inputs.flatMap((input) => input?.key ?? [])) {
      if (secret.length > 16) expect(told).not.toContain(secret)
    }
    expect(await send(keys, own)).toBe('accepted')
    expect(await send(keys, other)).toBe('accepted')
    expect((await keys.list()).data).toHaveLength(3)
  })

  it('tells a secret that is twice in an import from one that exists, also where one of the two is a hash', async () => {
    const keys = withKeys({ pepper: ['a pepper of ours', null] })
    const [twice, stored, ended, mixed] = [foreign(), foreign(), foreign(), foreign()]
    const [made] = (await keys.import([ios({ key: ended }), ios({ key: stored })])).results
    await keys.remove(made?.ok ? made.writeKey.id : '')
    const inputs = [
      ...[twice, twice, twice, stored, stored, ended, ended].map((key) => ios({ key })),
      ios({ key: mixed }),
      ios({ keyHash: sha256(mixed) }),
    ]
    for (const dryRun of [true, false]) {
      const { results } = await keys.import(inputs, { dryRun })
      const told = results.map((result) => (result.ok ? 'ok' : [result.code, result.repeatOf]))
      expect(told).toEqual([
        'ok',
        ['conflict', 0],
        ['conflict', 0],
        ['conflict', undefined],
        ['conflict', 3],
        ['secret_ended', undefined],
        ['secret_ended', 5],
        'ok',
        ['conflict', 7],
      ])
      expect(results[1]).toMatchObject({ message: 'key is that of an earlier key of this import' })
      expect(results[8]).toMatchObject({ message: 'keyHash is that of an earlier key of this import' })
      expect(results[4]).toMatchObject({ message: expect.stringContaining('exists already') })
    }
  })

  it('says that the shape of a hash cannot be checked, and shows nothing of it', async () => {
    const { results } = await withKeys().import([ios({ keyHash: sha256(foreign()) })])
    expect(results).toMatchObject([
      {
        ok: true,
        note: expect.stringContaining('importedKeys'),
        writeKey: { secrets: [{ start: '', imported: true }] },
      },
    ])
  })

  it('changes nothing when it is repeated', async () => {
    const keys = withKeys()
    const inputs = Array.from({ length: 450 }, () => ios({ key: foreign() }))
    const first = await keys.import(inputs)
    expect(outcomes(first.results)).toEqual(inputs.map(() => 'ok'))
    const again = await keys.import(inputs)
    expect(outcomes(again.results)).toEqual(inputs.map(() => 'conflict key'))
    expect((await keys.audit({ limit: 100 })).data.every(({ action }) => action === 'create')).toBe(true)
  })

  it('checks everything in a dry run, and stores nothing', async () => {
    const keys = withKeys()
    const [stored, fresh] = [foreign(), foreign()]
    await keys.import([ios({ key: stored })])
    const { results } = await keys.import([ios({ key: stored }), ios({ key: fresh }), ios({ key: fresh })], {
      dryRun: true,
    })
    expect(outcomes(results)).toEqual(['conflict key', 'ok', 'conflict key'])
    expect((await keys.list()).data).toHaveLength(1)
    expect(await send(keys, fresh)).toBe('unknown_key')
  })

  it('takes a thousand keys at most, and only a list', async () => {
    const keys = withKeys()
    const tooMany = Array.from({ length: 1_001 }, () => ios({ key: foreign() }))
    for (const inputs of [tooMany, {}, undefined] as ImportKeyInput[][]) {
      await expect(keys.import(inputs)).rejects.toMatchObject({ code: 'invalid_field', field: 'inputs' })
    }
    expect(await keys.import([])).toEqual({ results: [] })
  })

  it('takes hashes beside a pepper only when its list ends with null', async () => {
    const [secret, clear] = [foreign(), foreign()]
    const store = createMemoryStore()
    const inputs = [ios({ keyHash: sha256(secret) }), ios({ key: clear })]
    const useless = await withKeys({ store, pepper: 'a pepper of ours' }).import(inputs)
    expect(useless.results).toMatchObject([
      { ok: false, field: 'keyHash', message: expect.stringContaining('pepper') },
      { ok: true },
    ])
    const keys = withKeys({ store, pepper: ['a newer pepper', 'a pepper of ours', null] })
    expect(outcomes((await keys.import(inputs)).results)).toEqual(['ok', 'conflict key'])
    expect(await send(keys, secret)).toBe('accepted')
    expect(await send(keys, clear)).toBe('accepted')
  })

  it('rotates an imported key to a secret of ours', async () => {
    const keys = withKeys()
    const secret = foreign()
    const [result] = (await keys.import([ios({ key: secret })])).results
    const id = result?.ok === true ? result.writeKey.id : ''
    const { key, writeKey } = await keys.rotate(id)
    expect(key).toMatch(/^sk_live_[0-9A-Za-z]{38}$/)
    expect(writeKey.secrets.map(({ imported }) => imported)).toEqual([true, false])
    expect([await send(keys, secret), await send(keys, key)]).toEqual(['accepted', 'accepted'])
    await keys.rotate(id, { gracePeriodHours: 0 })
    expect(await send(keys, secret)).toBe('unknown_key')
  })

  it('tells the audit log who brought which key along', async () => {
    const keys = withKeys()
    await keys.import([ios({ key: foreign() })], { actor: { name: 'ops' } })
    expect((await keys.audit()).data).toMatchObject([
      { action: 'create', actor: 'ops', after: { name: 'iOS', secrets: [{ imported: true }] } },
    ])
  })

  it('shows so little of a short secret that it cannot be guessed', async () => {
    const keys = withKeys({ importedKeys: /^[a-f0-9]{16,256}$/ })
    const inputs = [16, 24, 48, 256].map((length) =>
      ios({ key: '0123456789abcdef'.repeat(16).slice(0, length) }),
    )
    const { results } = await keys.import(inputs)
    const starts = results.map((result) => (result.ok ? result.writeKey.secrets[0]?.start.length : undefined))
    expect(starts).toEqual([4, 6, 12, 12])
  })

  it('imports through a store that cannot make many keys at once', async () => {
    const { insertAll: _, ...store } = createMemoryStore() as KeyStore
    const keys = withKeys({ store })
    const secret = foreign()
    expect(outcomes((await keys.import([ios({ key: secret }), ios({ key: foreign() })])).results)).toEqual([
      'ok',
      'ok',
    ])
    expect(outcomes((await keys.import([ios({ key: secret })])).results)).toEqual(['conflict key'])
  })

  it('imports secrets of our shape from another store without importedKeys, and no others', async () => {
    const keys = createWriteKeys()
    const secret = generateSecret('sk_live_')
    const { results } = await keys.import([ios({ key: secret }), ios({ key: foreign() })])
    expect(outcomes(results)).toEqual(['ok', 'invalid_field key'])
    expect(results[1]).toMatchObject({ message: expect.stringContaining('importedKeys') })
    expect(await send(keys, secret)).toBe('accepted')
  })
})

describe('a secret in the imported shape', () => {
  it('costs nothing to refuse when its shape is wrong, or its checksum under our prefix', async () => {
    const polls: string[] = []
    const store = createMemoryStore()
    const keys = withKeys({
      importedKeys: /^[A-Za-z0-9_]{20,46}$/,
      store: {
        ...store,
        poll(question) {
          polls.push(question.keyHash ?? '')
          return store.poll(question)
        },
      },
    })
    const good = generateSecret('sk_live_')
    const mistyped = `${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`
    const before = polls.filter((hash) => hash !== '').length
    expect(await send(keys, mistyped)).toBe('malformed_key')
    expect(await send(keys, 'too-short-or-wrong')).toBe('malformed_key')
    expect(polls.filter((hash) => hash !== '')).toHaveLength(before)
    expect(await send(keys, foreign())).toBe('unknown_key')
  })

  it('pays from the budget of unknown keys, and keeps nobody else from sending', async () => {
    const keys = withKeys()
    const secret = foreign()
    await keys.import([ios({ key: secret })])
    const reasons = new Set<string>()
    for (let count = 0; count < 300; count++) reasons.add(await send(keys, foreign(), { ip: '192.0.2.1' }))
    expect([...reasons].toSorted()).toEqual(['too_many_failures', 'unknown_key'])
    expect(await send(keys, secret, { ip: '192.0.2.1' })).toBe('accepted')
  })
})

describe('find', () => {
  it('finds the key that a secret belongs to, under every pepper and whatever its status', async () => {
    const store = createMemoryStore()
    const secret = foreign()
    const [result] = (await withKeys({ store, pepper: 'the older pepper' }).import([ios({ key: secret })]))
      .results
    const keys = withKeys({ store, pepper: ['the newer pepper', 'the older pepper'] })
    const { writeKey, key } = await keys.create({ name: 'Web', sourceType: 'web' })
    expect((await keys.find(secret))?.id).toBe(result?.ok === true && result.writeKey.id)
    await keys.revoke(writeKey.id)
    expect(await keys.find(key)).toMatchObject({ id: writeKey.id, status: 'revoked' })
    for (const unknown of [foreign(), '', 'x'.repeat(5_000), undefined as unknown as string]) {
      expect(await keys.find(unknown)).toBeUndefined()
    }
    const late = Promise.resolve(secret) as unknown as string
    await expect(keys.find(late)).rejects.toThrow('secret must be a text; received a promise: await it first')
  })
})
