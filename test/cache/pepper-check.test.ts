import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  type KeyStore,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { fingerprintOf } from '../../src/keys/pepper-option.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { createSecretHasher } from '../../src/keys/secret-hash.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

const old = 'old-old-old-old-old'
const current = 'new-new-new-new-new'
const folder = mkdtempSync(join(tmpdir(), 'writekey-pepper-'))
let files = 0
afterAll(() => rmSync(folder, { recursive: true }))

/** Processes that share one store. */
function fleet(makeStore: () => KeyStore) {
  return (options: WriteKeysOptions) => {
    const events: WriteKeyEvent[] = []
    const store = makeStore()
    const keys = createWriteKeys({ store, onEvent: (event) => events.push(event), logger: false, ...options })
    const ask = async (secret: string) => {
      const verdict = await keys.verify({
        method: 'POST',
        path: '/v1/track',
        headers: { authorization: basic(secret) },
        body: { event: 'a' },
      })
      return verdict.ok ? 'accepted' : verdict.reason
    }
    const told = () => events.filter(({ type }) => type === 'pepper_missing' || type === 'peppers_unchecked')
    const make = async () => (await keys.create({ name: 'Web', sourceType: 'web' })).key
    return { keys, ask, told, make }
  }
}

describe.each([
  [
    'memory',
    () => {
      const store = createMemoryStore()
      return () => store
    },
  ],
  [
    'SQLite',
    () => {
      files++
      const url = `sqlite:${join(folder, `${files}.db`)}`
      return () => createSqlStore({ url })
    },
  ],
])('a process that lacks a pepper (%s)', (_, makeStores) => {
  it('answers 503 where it would have said that nobody has the key, and is not ready', async () => {
    const start = fleet(makeStores())
    const secret = await start({ pepper: old }).make()
    const lacking = start({ pepper: current })
    expect(await lacking.ask(secret)).toBe('store_unavailable')
    expect(await lacking.ask(secret)).toBe('store_unavailable')
    expect(await lacking.ask(generateSecret('sk_live_'))).toBe('store_unavailable')
    expect(await lacking.ask('sk_live_nonsense')).toBe('malformed_key')
    expect(lacking.told()).toEqual([{ type: 'pepper_missing', error: expect.any(Error) }])
    const problem = { code: 'pepper_missing', message: expect.stringMatching(/add it to the option pepper/) }
    await expect(lacking.keys.ready()).rejects.toMatchObject(problem)
    expect(await lacking.keys.health()).toMatchObject({
      ok: false,
      store: { error: expect.stringMatching(/pepper/) },
    })
    await expect(lacking.keys.find(secret)).rejects.toMatchObject(problem)
  })

  it('says unknown_key, and is ready, when it has them all', async () => {
    const start = fleet(makeStores())
    const before = await start({ pepper: old }).make()
    const after = start({ pepper: [current, old] })
    const secret = await after.make()
    expect(await after.ask(before)).toBe('accepted')
    expect(await after.ask(secret)).toBe('accepted')
    expect(await after.ask(generateSecret('sk_live_'))).toBe('unknown_key')
    await after.keys.ready()
    expect(after.told()).toEqual([])
  })

  it('learns of a pepper that another process begins to use', async () => {
    const start = fleet(makeStores())
    const behind = start({ pepper: old })
    const secret = await behind.make()
    expect(await behind.ask(generateSecret('sk_live_'))).toBe('unknown_key')
    const newer = await start({ pepper: [current, old] }).make()
    expect(await behind.ask(newer)).toBe('store_unavailable')
    expect(await behind.ask(secret)).toBe('accepted')
    // Others accept what it makes: it goes on.
    expect(await start({ pepper: [current, old] }).ask(await behind.make())).toBe('accepted')
  })

  it('makes no key that no other process would accept', async () => {
    const start = fleet(makeStores())
    const { keys, make } = start({ pepper: current })
    await make()
    const shell = start({})
    await expect(shell.make()).rejects.toMatchObject({ code: 'pepper_missing' })
    const [key] = (await keys.list()).data
    await expect(shell.keys.rotate(key?.id as string)).rejects.toMatchObject({ code: 'pepper_missing' })
    expect((await keys.list()).data).toHaveLength(1)
    await keys.ready()
  })

  it('says that a null is missing for keys without a pepper', async () => {
    const start = fleet(makeStores())
    const plain = await start({ pepper: null }).make()
    const lacking = start({ pepper: current })
    expect(await lacking.ask(plain)).toBe('store_unavailable')
    await expect(lacking.keys.ready()).rejects.toThrow(/end the list of the option pepper with null/)
    expect(await start({ pepper: [current, null] }).ask(plain)).toBe('accepted')
  })

  it('makes no key with a pepper of its own beside keys without one', async () => {
    const start = fleet(makeStores())
    const server = start({})
    const plain = await server.make()
    const shell = start({ pepper: current })
    await expect(shell.make()).rejects.toMatchObject({
      code: 'pepper_missing',
      message: expect.stringMatching(/end the list of the option pepper with null/),
    })
    expect((await server.keys.list()).data).toHaveLength(1)
    expect(await server.ask(plain)).toBe('accepted')
    expect(await server.ask(generateSecret('sk_live_'))).toBe('unknown_key')
    await server.keys.ready()
  })

  it('lets a pepper be introduced by a list that ends with null', async () => {
    const start = fleet(makeStores())
    const plain = await start({}).make()
    const introduced = start({ pepper: [current, null] })
    const secret = await introduced.make()
    for (const one of [introduced, start({ pepper: [current, null] })]) {
      expect(await one.ask(plain)).toBe('accepted')
      expect(await one.ask(secret)).toBe('accepted')
      await one.keys.ready()
    }
  })
})

describe('a store that does not remember peppers', () => {
  it('is told of once, to a process with a pepper', async () => {
    const { notePepper: _, ...inner } = createMemoryStore()
    const poll: KeyStore['poll'] = async (question) => {
      const { peppers: __, ...answer } = await inner.poll(question)
      return answer
    }
    const start = fleet(() => ({ ...inner, poll }))
    const one = start({ pepper: old })
    const secret = await one.make()
    expect(await one.ask(secret)).toBe('accepted')
    expect(await one.ask(generateSecret('sk_live_'))).toBe('unknown_key')
    expect(one.told()).toEqual([{ type: 'peppers_unchecked' }])
    await one.keys.ready()
    const plain = start({})
    expect(await plain.ask(secret)).toBe('unknown_key')
    expect(plain.told()).toEqual([])
  })
})

describe('the fingerprint of a pepper', () => {
  it('is 16 bits: guesses at a pepper are not confirmed by it', () => {
    const of = (pepper: string) => fingerprintOf(createSecretHasher(pepper))
    expect(of(old)).toMatch(/^[0-9a-f]{4}$/)
    expect(of(old)).not.toBe(of(current))
    expect(of('guess-40380')).toBe(of(old))
  })
})
