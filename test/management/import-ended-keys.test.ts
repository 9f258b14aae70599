import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createMemoryStore, createWriteKeys, type ImportResult, type WriteKeys } from '../../src/index.ts'
import { randomBase62 } from '../../src/runtime/base62.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'

const count = 30
const importedKeys = /^[0-9A-Za-z]{30}$/

/** Two processes that share a file. */
function start(): [WriteKeys, WriteKeys] {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-import-'))
  const open = () => {
    const store = createSqlStore({ url: `sqlite:${join(folder, 'keys.db')}` })
    const keys = createWriteKeys({ store, importedKeys, logger: false })
    onTestFinished(() => keys.close())
    return keys
  }
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return [open(), open()]
}

let senders = 0
async function verify(keys: WriteKeys, secret: string, method = 'GET'): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${secret}:`)}` }
  // Each from an address of its own, so that no budget answers.
  const ip = `10.0.${senders >> 8}.${senders++ & 255}`
  const verdict = await keys.verify({
    method,
    path: '/v1/track',
    headers,
    ip,
    body: method === 'GET' ? undefined : { event: 'Sent' },
  })
  return verdict.ok ? 'accepted' : verdict.reason
}

async function importMany(keys: WriteKeys) {
  const inputs = Array.from({ length: count }, (_, index) => ({
    name: `${index}`,
    sourceType: 'server' as const,
    key: randomBase62(30),
  }))
  const { results } = await keys.import(inputs)
  return { inputs, ids: results.map((result) => (result.ok ? result.writeKey.id : '')) }
}

it.each([
  ['revoke', 'revoked_key'],
  ['pause', 'key_paused'],
] as const)(
  'an import of a secret whose key is ended by %s meanwhile brings no access back',
  async (action, reason) => {
    const [manager, other] = start()
    const { inputs, ids } = await importMany(manager)
    for (const { key } of inputs) expect(await verify(other, key)).toBe('accepted')
    const importing = Promise.all([0, 1, 2].map(() => other.import(inputs)))
    await Promise.all(
      ids.map(async (id, index) => {
        await manager[action](id)
        for (const keys of [manager, other])
          expect(await verify(keys, inputs[index]?.key as string)).toBe(reason)
      }),
    )
    const again = [...(await importing), await other.import(inputs)]
    for (const { results } of again)
      expect(results.every((result) => !result.ok && result.code === 'conflict')).toBe(true)
    for (const { key } of inputs) expect(await verify(other, key)).toBe(reason)
  },
)

const codes = (results: readonly ImportResult[]) =>
  results.map((result) => (result.ok ? 'ok' : `${result.code} ${result.field}`))

it.each([
  ['remove', (keys: WriteKeys, id: string) => keys.remove(id)],
  [
    'revoke and remove',
    async (keys: WriteKeys, id: string) => {
      await keys.revoke(id)
      await keys.remove(id)
    },
  ],
  ['rotate without grace', (keys: WriteKeys, id: string) => keys.rotate(id, { gracePeriodHours: 0 })],
  [
    'the end of a grace',
    async (keys: WriteKeys, id: string) => {
      const { writeKey } = await keys.rotate(id)
      await keys.endGrace(id, writeKey.secrets[0]?.id as string)
    },
  ],
  [
    'a grace that runs out',
    async (keys: WriteKeys, id: string) => {
      await keys.rotate(id, { gracePeriodHours: 1e-9 })
      await keys.rotate(id)
    },
  ],
] as const)('nothing imports a secret again after %s', async (_, end) => {
  const [manager, other] = start()
  const input = { name: 'iOS', sourceType: 'mobile' as const, key: randomBase62(30) }
  const hashed = { ...input, key: undefined, keyHash: createHash('sha256').update(input.key).digest('hex') }
  const [first] = (await manager.import([input])).results
  await end(manager, first?.ok === true ? first.writeKey.id : '')
  for (const keys of [manager, other]) {
    for (const dryRun of [true, false]) {
      const { results } = await keys.import([input, hashed, input], { dryRun })
      expect(codes(results)).toEqual(['secret_ended key', 'secret_ended keyHash', 'secret_ended key'])
      const today = new Date().toISOString().slice(0, 7)
      expect(results[0]).toMatchObject({ message: expect.stringContaining(`has ended (on ${today}`) })
      expect(JSON.stringify(results)).not.toContain(input.key)
      expect(await verify(keys, input.key)).toBe('unknown_key')
    }
  }
})

it('a secret made here ends for good too', async () => {
  const [manager, other] = start()
  const { key, writeKey } = await manager.create({ name: 'Web', sourceType: 'web' })
  await manager.remove(writeKey.id)
  expect(codes((await other.import([{ name: 'Web', sourceType: 'web', key }])).results)).toEqual([
    'secret_ended key',
  ])
})

it('a secret that has ended under an older pepper is found, as long as the pepper is listed', async () => {
  const store = createMemoryStore()
  const open = (pepper: (string | null)[]) => createWriteKeys({ store, pepper, importedKeys, logger: false })
  const input = { name: 'iOS', sourceType: 'mobile' as const, key: randomBase62(30) }
  const [first] = (await open(['first pepper']).import([input])).results
  const both = open(['second pepper', 'first pepper'])
  expect(codes((await both.import([input])).results)).toEqual(['conflict key'])
  await both.remove(first?.ok === true ? first.writeKey.id : '')
  for (const dryRun of [true, false])
    expect(codes((await both.import([input], { dryRun })).results)).toEqual(['secret_ended key'])
})

it('a monthly quota does not begin anew by deleting a key and importing its secret', async () => {
  const keys = createWriteKeys({
    importedKeys,
    logger: false,
    plans: { free: { monthlyEvents: 2 } },
    defaultPlan: 'free',
  })
  const input = { name: 'iOS', sourceType: 'mobile' as const, key: randomBase62(30) }
  const [first] = (await keys.import([input])).results
  for (let sent = 0; sent < 2; sent++) expect(await verify(keys, input.key, 'POST')).toBe('accepted')
  await keys.flush()
  expect(await verify(keys, input.key, 'POST')).toBe('quota_exceeded')
  await keys.remove(first?.ok === true ? first.writeKey.id : '')
  await keys.import([input])
  expect(await verify(keys, input.key)).toBe('unknown_key')
})

it('a store that remembers none lets the secret of a removed key be imported again', async () => {
  const { ended: _, ...store } = createMemoryStore()
  const keys = createWriteKeys({ store, importedKeys, logger: false })
  const input = { name: 'iOS', sourceType: 'mobile' as const, key: randomBase62(30) }
  const [first] = (await keys.import([input])).results
  await keys.remove(first?.ok === true ? first.writeKey.id : '')
  expect(codes((await keys.import([input], { dryRun: true })).results)).toEqual(['ok'])
})

it('imports that race with the end of their secret never bring it back', async () => {
  const [manager, other] = start()
  const { inputs, ids } = await importMany(manager)
  const importing = Promise.all([0, 1, 2, 3].map(() => other.import(inputs)))
  await Promise.all(
    ids.map((id, index) =>
      index % 2 === 0 ? manager.remove(id) : manager.rotate(id, { gracePeriodHours: 0 }),
    ),
  )
  for (const { results } of await importing) {
    for (const result of results)
      expect(result).toMatchObject({ ok: false, code: expect.stringMatching(/^(conflict|secret_ended)$/) })
  }
  expect(new Set(codes((await other.import(inputs)).results))).toEqual(new Set(['secret_ended key']))
  for (const { key } of inputs) expect(await verify(other, key)).toBe('unknown_key')
})
