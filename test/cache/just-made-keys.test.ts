import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type KeyStore, type WriteKeys, type WriteKeysOptions } from '../../src/index.ts'
import { randomBase62 } from '../../src/runtime/base62.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createManualClock } from '../contract/limiter-contract.ts'
import { describeWithService } from '../services.ts'
import { useFolder, usePostgresDatabase } from '../stores/sql/databases.ts'
import { createGate, shareMemory } from './shared-memory.ts'

async function ask(keys: WriteKeys, secret: string): Promise<string> {
  const headers = { authorization: basic(secret) }
  const verdict = await keys.verify({ method: 'GET', path: '/v1/track', headers, ip: '198.51.100.1' })
  return verdict.ok ? 'accepted' : verdict.reason
}

function open(options: WriteKeysOptions): WriteKeys {
  const keys = createWriteKeys({ importedKeys: /^[A-Za-z0-9]{32}$/, ...options })
  onTestFinished(() => keys.close())
  return keys
}

async function importKey(keys: WriteKeys, key: string): Promise<void> {
  const { results } = await keys.import([{ name: 'iOS', sourceType: 'mobile', key }])
  expect(results).toMatchObject([{ ok: true }])
}

function importsCountAtOnce(openStore: () => KeyStore): void {
  it.each([
    ['', {}],
    [', without an index', { cache: { index: false } }],
    [', under two peppers', { pepper: ['new-new-new-new-new', null] }],
  ] as [string, WriteKeysOptions][])(
    'accepts a key that another process has just imported%s',
    async (_, options) => {
      const [manager, other] = [
        open({ ...options, store: openStore() }),
        open({ ...options, store: openStore() }),
      ]
      await other.ready()
      for (let round = 0; round < 5; round++) {
        const secret = randomBase62(32)
        for (let time = 0; time < 3; time++) expect(await ask(other, secret)).toBe('unknown_key')
        await importKey(manager, secret)
        expect(await ask(other, secret)).toBe('accepted')
      }
    },
  )
}

describe('two processes on one SQLite file', () => {
  const folder = useFolder()
  importsCountAtOnce(() => createSqlStore({ url: `sqlite:${join(folder, 'shared.db')}` }))
})

describeWithService(
  'postgres',
  'two processes on one PostgreSQL database that does not notify',
  (address) => {
    const database = usePostgresDatabase(address)
    importsCountAtOnce(() => createSqlStore({ url: database.url, notifications: false }))
  },
)

describe('a key that is remembered as missing', () => {
  function setUp() {
    const shared = shareMemory({ tells: true })
    const clock = createManualClock()
    const keys = open({ store: shared.store, clock })
    const elsewhere = open({ store: shared.memory, clock })
    return { ...shared, keys, elsewhere }
  }

  it('is refused without another look, with at most one poll in 50 ms', async () => {
    const { keys, asked } = setUp()
    const wrong = Array.from({ length: 10 }, () => randomBase62(32))
    for (const secret of wrong) expect(await ask(keys, secret)).toBe('unknown_key')
    const before = { ...asked }
    const startedAt = performance.now()
    for (let round = 0; round < 4; round++) {
      const sent = Array.from({ length: 500 }, (_, index) => ask(keys, wrong[index % 10] as string))
      expect(new Set(await Promise.all(sent))).toEqual(new Set(['unknown_key']))
    }
    const slots = (performance.now() - startedAt) / 50
    expect(asked.lookUps).toBe(before.lookUps)
    expect(asked.polls - before.polls).toBeLessThanOrEqual(slots + 1)
  })

  it('is 503 when the store does not say whether it has been made since', async () => {
    const { keys, before } = setUp()
    const secret = randomBase62(32)
    expect(await ask(keys, secret)).toBe('unknown_key')
    before.poll = () => {
      throw new Error('down')
    }
    expect(await ask(keys, secret)).toBe('store_unavailable')
    delete before.poll
    expect(await ask(keys, secret)).toBe('unknown_key')
  })

  it('is found by a request that joins a read which began before it was made', async () => {
    const { keys, elsewhere, before, asked } = setUp()
    const secret = randomBase62(32)
    const answer = createGate()
    before.lookUp = answer.wait
    const early = ask(keys, secret)
    while (asked.lookUps === 0) await new Promise(setImmediate)
    await importKey(elsewhere, secret)
    const late = ask(keys, secret)
    await new Promise(setImmediate)
    answer.open()
    expect(await late).toBe('accepted')
    expect(await early).toBe('unknown_key')
  })
})
