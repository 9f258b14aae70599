import { describe, expect, it, onTestFinished } from 'vitest'
import { type CreateKeyInput, createMemoryStore, createWriteKeys, type KeyStore } from '../../src/index.ts'
import { randomBase62 } from '../../src/runtime/base62.ts'

const importedKeys = /^[A-Za-z0-9]{32}$/
const acme = { name: 'Web', sourceType: 'web', workspace: 'acme' } as const
const full = { code: 'conflict', reason: 'workspace_full' }

function start(maxKeysPerWorkspace: number, store: KeyStore = createMemoryStore()) {
  const keys = createWriteKeys({ store, importedKeys, maxKeysPerWorkspace })
  onTestFinished(() => keys.close())
  return keys
}

function withoutCount(): KeyStore {
  const { count: _, ...store } = createMemoryStore()
  return store
}

describe.each([
  ['a store that counts', createMemoryStore],
  ['a store that only lists', withoutCount],
])('a full workspace, in %s', (_, createStore) => {
  it('takes no further key, until one is removed; others are not touched', async () => {
    const keys = start(2, createStore())
    const { writeKey } = await keys.create(acme)
    await keys.create(acme)
    await keys.revoke(writeKey.id)
    await expect(keys.create(acme)).rejects.toMatchObject(full)
    await keys.create({ ...acme, workspace: 'beta' })
    for (let made = 0; made < 3; made++) await keys.create({ name: 'Web', sourceType: 'web' })
    await keys.remove(writeKey.id)
    await keys.create(acme)
    expect((await keys.list({ workspace: 'acme' })).data).toHaveLength(2)
  })

  it('is not filled beyond its size by calls at the same time', async () => {
    const keys = start(120, createStore())
    const attempts = await Promise.allSettled(Array.from({ length: 140 }, () => keys.create(acme)))
    const refused = attempts.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(20)
    for (const attempt of refused) expect(attempt).toMatchObject({ reason: full })
  })
})

it('a repeated call is told of the key that it made, which filled the workspace', async () => {
  const keys = start(1)
  const id = `wk_${randomBase62(16)}`
  await keys.create(acme, { id })
  await expect(keys.create(acme, { id })).rejects.toMatchObject({ reason: 'duplicate' })
  await expect(keys.create(acme, { id: `wk_${randomBase62(16)}` })).rejects.toMatchObject(full)
})

it('an import makes those that find room, and says which do not; those that exist take none', async () => {
  const keys = start(2)
  const item = (fields = {}) => ({ ...acme, ...fields, key: randomBase62(32) })
  const [first, second, third] = [item(), item(), item()]
  const outcomes = async (inputs: ReturnType<typeof item>[], dryRun = false) =>
    (await keys.import(inputs, { dryRun })).results.map((result) =>
      result.ok ? 'ok' : `${result.code} ${result.field}`,
    )
  expect(await outcomes([first])).toEqual(['ok'])
  const inputs = [first, second, third, item({ workspace: 'beta' })]
  const expected = ['conflict key', 'ok', 'workspace_full input', 'ok']
  expect(await outcomes(inputs, true)).toEqual(expected)
  expect(await outcomes(inputs)).toEqual(expected)
  expect(await outcomes([first, second])).toEqual(['conflict key', 'conflict key'])
})

it('a dry run in several calls leaves the room to what its earlier calls would have made', async () => {
  const keys = start(5)
  await keys.create(acme)
  const item = (fields = {}) => ({ ...acme, ...fields, key: randomBase62(32) })
  const inputs = [item(), item(), item({ workspace: 'beta' })]
  const outcomes = async (planned: Record<string, number>) =>
    (await keys.import(inputs, { dryRun: true, planned })).results.map(({ ok }) => ok)
  expect(await outcomes({})).toEqual([true, true, true])
  expect(await outcomes({ acme: 2, gamma: 9 })).toEqual([true, true, true])
  expect(await outcomes({ acme: 3 })).toEqual([true, false, true])
  expect(await outcomes({ acme: 9, beta: 5 })).toEqual([false, false, false])
})

it.each([
  [{ planned: { acme: 1 } }, 'planned must stand beside dryRun only'],
  [{ dryRun: true, planned: { acme: -1 } }, 'planned must have whole numbers from 0 up'],
  [{ dryRun: true, planned: { acme: 0.5 } }, 'planned must have whole numbers from 0 up'],
  [
    { dryRun: true, planned: [1] },
    'planned must be an object with numbers of keys by workspace; received a list of 1',
  ],
  [
    { dryRun: true, planned: null },
    'planned must be an object with numbers of keys by workspace; received null',
  ],
  [
    { dryRun: true, planned: new Map([['acme', 5]]) },
    'planned must be an object with numbers of keys by workspace; received an object of class Map',
  ],
])('an import refuses %j', async (options, message) => {
  const refused = start(5).import([{ ...acme, key: randomBase62(32) }], options as never)
  await expect(refused).rejects.toMatchObject({ code: 'invalid_field', field: 'planned', message })
})

it('a secret that is twice in an import and finds no room is no conflict', async () => {
  const keys = start(1)
  await keys.create(acme)
  const key = randomBase62(32)
  const inputs = [acme, acme, { ...acme, workspace: 'beta' }].map((fields) => ({ ...fields, key }))
  for (const dryRun of [true, false]) {
    const { results } = await keys.import(inputs, { dryRun })
    expect(results).toMatchObject([
      { code: 'workspace_full', field: 'input' },
      { code: 'workspace_full', field: 'input', repeatOf: 0 },
      { code: 'invalid_field', field: 'key', repeatOf: 0 },
    ])
    expect(results[1]).toMatchObject({ message: expect.stringContaining('as many keys as it may') })
    expect(results[2]).toMatchObject({ message: expect.stringContaining('which could not be imported') })
  }
})

it('imports of the same workspaces at the same time wait for each other, in any order', async () => {
  const keys = start(10)
  const batch = (workspaces: string[]) =>
    keys.import(
      Array.from({ length: 16 }, (_, index) => ({
        ...acme,
        workspace: workspaces[index % 2] as string,
        key: randomBase62(32),
      })),
    )
  await Promise.all([batch(['acme', 'beta']), batch(['beta', 'acme']), keys.create(acme).catch(() => {})])
  expect((await keys.list({ workspace: 'acme' })).data).toHaveLength(10)
  expect((await keys.list({ workspace: 'beta' })).data).toHaveLength(10)
})

it('makes no key for a customer that was not found', async () => {
  const keys = createWriteKeys()
  const fields = { name: 'Web', sourceType: 'web' } as const
  // As without types, or with settings of TypeScript that let it pass.
  const lost = { ...fields, workspace: undefined } as unknown as CreateKeyInput
  await expect(keys.create(lost)).rejects.toMatchObject({ code: 'invalid_field', field: 'workspace' })
  const { results } = await keys.import([{ ...lost, keyHash: 'a'.repeat(64) }])
  expect(results).toMatchObject([{ ok: false, code: 'invalid_field', field: 'workspace' }])
  expect((await keys.list()).data).toEqual([])
  for (const workspace of [null, 'acme'])
    expect((await keys.create({ ...fields, workspace })).writeKey.workspace).toBe(workspace)
  await keys.close()
})
