import { describe, expect, it, onTestFinished } from 'vitest'
import { createMemoryStore, createWriteKeys, type WriteKeysOptions } from '../../../src/index.ts'
import { generateSecret } from '../../../src/keys/secret.ts'
import { shareMemory } from '../../cache/shared-memory.ts'
import { createManualClock } from '../../contract/limiter-contract.ts'
import { post, web } from '../../manual-keys.ts'

function open(options: WriteKeysOptions) {
  const keys = createWriteKeys({ logger: false, ...options })
  onTestFinished(() => keys.close())
  const reasonOf = async (key: string, more: object = {}) => {
    const verdict = await keys.verify({ ...post(key), ...more })
    return verdict.ok ? 'accepted' : verdict.reason
  }
  return { keys, reasonOf }
}

describe('a key that the store has', () => {
  it('is refused in another environment, though its secret looks the same', async () => {
    const store = createMemoryStore()
    const { key } = await open({ store, environment: 'staging' }).keys.create(web)
    expect(await open({ store, environment: 'staging' }).reasonOf(key)).toBe('accepted')
    expect(await open({ store, keyPrefix: 'sk_test_' }).reasonOf(key)).toBe('wrong_environment')
  })

  it.each([
    ['its own', 'acme', 'accepted'],
    ['its own, told by a function', () => 'acme', 'accepted'],
    ['another', 'other', 'wrong_workspace'],
    ['another, told by a function', () => 'other', 'wrong_workspace'],
    ['one that is not known', undefined, 'wrong_workspace'],
  ])('is judged by the workspace of the route: %s', async (_, workspace, expected) => {
    const { keys, reasonOf } = open({})
    const { key } = await keys.create({ ...web, workspace: 'acme' })
    expect(await reasonOf(key, { workspace })).toBe(expected)
    expect(await reasonOf(key)).toBe('accepted')
  })

  it('belongs to no workspace of a route if it has none', async () => {
    const { keys, reasonOf } = open({})
    const { key } = await keys.create(web)
    for (const workspace of [undefined, null, 'acme'])
      expect(await reasonOf(key, { workspace })).toBe('wrong_workspace')
  })

  it('is found under each pepper', async () => {
    const store = createMemoryStore()
    const { key } = await open({ store, pepper: 'an-older-pepper-of-32-characters' }).keys.create(web)
    const peppers = ['the-newest-pepper-of-32-character', 'an-older-pepper-of-32-characters']
    expect(await open({ store, pepper: peppers }).reasonOf(key)).toBe('accepted')
    expect(await open({ store, pepper: peppers }).reasonOf(generateSecret('sk_live_'))).toBe('unknown_key')
  })

  it('may be any key that is not found while a pepper is missing', async () => {
    const store = createMemoryStore()
    const { key } = await open({ store, pepper: 'an-older-pepper-of-32-characters' }).keys.create(web)
    const { reasonOf } = open({ store, pepper: 'the-newest-pepper-of-32-character' })
    expect(await reasonOf(key)).toBe('store_unavailable')
  })

  it('is judged by the time when it was found', async () => {
    const { store, before } = shareMemory()
    const clock = createManualClock()
    const { keys, reasonOf } = open({ store, clock })
    const expiresAt = new Date(clock.now() + 500)
    const { key } = await keys.create({ ...web, expiresAt, allowedIps: ['192.0.2.1'] })
    before.lookUp = () => clock.advance(500)
    expect(await reasonOf(key)).toBe('expired_key')
  })
})

it('wrong keys of one address are looked up until there are too many', async () => {
  const { reasonOf } = open({ store: shareMemory().store })
  const reasons = new Set<string>()
  for (let count = 0; count < 500 && !reasons.has('too_many_failures'); count++)
    reasons.add(await reasonOf(generateSecret('sk_live_')))
  expect([...reasons]).toEqual(['unknown_key', 'too_many_failures'])
})
