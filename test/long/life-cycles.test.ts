import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  KeyError,
  type KeyStore,
  type WriteKeys,
} from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import type { Awaitable, CommittedChange } from '../../src/testing/index.ts'
import { describeWithService } from '../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { newAddress } from './new-address.ts'

/** Of each kind: two rotations, a revocation and a rotation, a revocation and a new name. */
const pairs = length(1_000, 30)
const lifeCycles = length(200, 16)
/** At a time, as each waits for leases most of the time. */
const lanes = 8

/** What must hold on every engine. `open` gives a further process's view of one and the same database. */
function lifeCycleCampaign(open: () => KeyStore): void {
  async function withTwo(work: (one: WriteKeys, other: WriteKeys) => Promise<void>): Promise<void> {
    const [one, other] = [createWriteKeys({ store: open() }), createWriteKeys({ store: open() })]
    try {
      await work(one, other)
    } finally {
      await Promise.all([one.close(), other.close()])
    }
  }

  it('lets one of two concurrent rotations win, with exactly one new secret', () =>
    withTwo(async (one, other) => {
      let lost = 0
      await eachPair(pairs, async () => {
        const { writeKey, key } = await one.create({ name: 'pair', sourceType: 'server' })
        const outcomes = await Promise.allSettled([one.rotate(writeKey.id), other.rotate(writeKey.id)])
        const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.key] : []))
        // Both may win one after the other; what is lost must be a conflict.
        for (const outcome of outcomes) if (outcome.status === 'rejected') expectConflict(outcome.reason)
        expect(won.length).toBeGreaterThan(0)
        lost += 2 - won.length
        const after = await one.get(writeKey.id)
        expect(after.version).toBe(1 + won.length)
        expect(after.secrets.length).toBe(1 + won.length)
        for (const secret of [key, ...won]) expect(await isAccepted(other, secret)).toBe(true)
      })
      reportConflicts('two rotations', pairs, lost)
    }))

  it('ends every race of a revocation revoked, whatever it met', () =>
    withTwo(async (one, other) => {
      let lost = 0
      await eachPair(2 * pairs, async (index) => {
        const { writeKey, key } = await one.create({ name: 'pair', sourceType: 'server' })
        const rival = async () => {
          // At once, or while the revocation is at any of its steps, or after it.
          if (index % 4 >= 2) await new Promise((resolve) => setTimeout(resolve, Math.random() * 60))
          return index % 2 === 0 ? other.rotate(writeKey.id) : other.update(writeKey.id, { name: 'renamed' })
        }
        const [revoked, met] = await Promise.allSettled([one.revoke(writeKey.id), rival()])
        expect(revoked.status).toBe('fulfilled')
        if (met.status === 'rejected') {
          expectConflict(met.reason)
          lost++
        }
        const after = await other.get(writeKey.id)
        expect(after.status).toBe('revoked')
        expect(after.revokedAt).toBeInstanceOf(Date)
        const secrets = [key]
        if (met.status === 'fulfilled' && 'key' in met.value) secrets.push(met.value.key)
        for (const secret of secrets) {
          expect(await isAccepted(one, secret)).toBe(false)
          expect(await isAccepted(other, secret)).toBe(false)
        }
        const { data } = await one.audit({ keyId: writeKey.id })
        expect(data.length).toBe(after.version)
      })
      reportConflicts('a revocation and a rotation, or a new name', 2 * pairs, lost)
    }))

  it('goes through random life cycles as a small model of them does', () =>
    withTwo(async (one, other) => {
      const lane = () =>
        fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
            const { writeKey, key } = await one.create({ name: 'model', sourceType: 'web' })
            const model: Model = { name: 'model', status: 'active', live: [key], ended: [], version: 1 }
            for (const { action, viaOther, name } of steps) {
              await actions[action](viaOther ? other : one, writeKey.id, model, name)
            }
            await compare(viaBoth(one, other), writeKey.id, model)
          }),
          { numRuns: lifeCycles / lanes },
        )
      await Promise.all(Array.from({ length: lanes }, lane))
    }))
}

interface Model {
  name: string
  status: 'active' | 'revoked' | 'removed'
  live: string[]
  ended: string[]
  version: number
}

const step = fc.record({
  action: fc.constantFrom<Action>('rename', 'rotate', 'rotateNow', 'rotate', 'endGrace', 'revoke', 'remove'),
  viaOther: fc.boolean(),
  name: fc.string({
    minLength: 1,
    maxLength: 20,
    unit: fc.constantFrom('a', 'Z', ' ', 'ß', '🌍', "'", '%', '\\', '"'),
  }),
})

type Action = 'rename' | 'rotate' | 'rotateNow' | 'endGrace' | 'revoke' | 'remove'

const actions: Record<Action, (keys: WriteKeys, id: string, model: Model, name: string) => Promise<void>> = {
  async rename(keys, id, model, name) {
    const allowed = model.status !== 'removed' && name.trim() !== ''
    if (await succeeds(keys.update(id, { name }), allowed)) {
      model.name = name
      model.version++
    }
  },
  rotate: (keys, id, model) => rotate(keys, id, model, 1),
  rotateNow: (keys, id, model) => rotate(keys, id, model, 0),
  async endGrace(keys, id, model) {
    const key = await keys.get(id).catch(() => undefined)
    const secret = key?.secrets.find(({ expiresAt }) => expiresAt !== null)
    if (key === undefined || secret === undefined) return
    if (await succeeds(keys.endGrace(id, secret.id), model.status === 'active')) {
      // The oldest comes first in both.
      model.ended.push(model.live.shift() as string)
      model.version++
    }
  },
  async revoke(keys, id, model) {
    if (!(await succeeds(keys.revoke(id), model.status !== 'removed'))) return
    if (model.status === 'active') model.version++
    model.status = 'revoked'
    model.ended.push(...model.live.splice(0))
  },
  async remove(keys, id, model) {
    if (!(await succeeds(keys.remove(id), model.status !== 'removed'))) return
    model.status = 'removed'
    model.ended.push(...model.live.splice(0))
  },
}

async function rotate(keys: WriteKeys, id: string, model: Model, gracePeriodHours: number): Promise<void> {
  const full = gracePeriodHours > 0 && model.live.length >= 5
  const rotated = await succeeds(keys.rotate(id, { gracePeriodHours }), model.status === 'active' && !full)
  if (!rotated) return
  if (gracePeriodHours === 0) model.ended.push(...model.live.splice(0))
  model.live.push(rotated.key)
  model.version++
}

/** The value when the call succeeds; fails the test when it does not do what the model says. */
async function succeeds<T>(call: Promise<T>, expected: boolean): Promise<T | undefined> {
  try {
    const value = await call
    expect(expected).toBe(true)
    return (value ?? true) as T
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    expect(expected).toBe(false)
    return undefined
  }
}

const viaBoth = (one: WriteKeys, other: WriteKeys) => [one, other] as const

async function compare(views: readonly WriteKeys[], id: string, model: Model): Promise<void> {
  for (const keys of views) {
    if (model.status === 'removed') await expect(keys.get(id)).rejects.toMatchObject({ code: 'not_found' })
    else {
      const { name, status, version, secrets } = await keys.get(id)
      expect({ name, status, version }).toEqual({
        name: model.name,
        status: model.status,
        version: model.version,
      })
      if (status === 'active') expect(secrets.length).toBe(model.live.length)
    }
    for (const secret of model.live) expect(await isAccepted(keys, secret)).toBe(true)
    for (const secret of model.ended) expect(await isAccepted(keys, secret)).toBe(false)
    const { data } = await keys.audit({ keyId: id, limit: 100 })
    expect(data.length).toBe(model.version + (model.status === 'removed' ? 1 : 0))
  }
}

/** Asks again while the budget for unknown keys is used up: removed ones are unknown, and these tests ask for many. */
async function isAccepted(keys: WriteKeys, secret: string): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const verdict = await keys.verify({
      method: 'GET',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${secret}:`)}` },
      ip: newAddress(),
    })
    if (verdict.ok || verdict.reason !== 'store_unavailable') return verdict.ok
    if (attempt === 200) throw new Error('the store was not reached')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Many pairs at a time, as each waits for a lease. */
async function eachPair(count: number, work: (index: number) => Promise<void>): Promise<void> {
  for (let start = 0; start < count; start += 10) {
    await Promise.all(Array.from({ length: Math.min(10, count - start) }, (_, place) => work(start + place)))
  }
}

/** Pairs that never meet would prove nothing. */
function reportConflicts(race: string, count: number, lost: number): void {
  console.log(`${race}: ${count} pairs, ${lost} of the calls lost and were told of the conflict`)
  expect(lost).toBeGreaterThan(0)
}

function expectConflict(error: unknown): void {
  expect(error).toMatchObject({ name: 'KeyError', code: 'conflict' })
}

/** A lease as short as SQLite's, as life cycles wait for many of them. */
function withShortLease(store: KeyStore): KeyStore {
  const leaseMs = 100
  const shorten = async (change: Awaitable<CommittedChange | undefined>) => {
    const committed = await change
    return committed && { ...committed, leaseMs }
  }
  return {
    ...store,
    poll: async (question) => ({ ...(await store.poll(question)), leaseMs }),
    insert: (record, audit) => shorten(store.insert(record, audit)),
    replace: (record, audit) => shorten(store.replace(record, audit)),
    remove: (id, version, audit) => shorten(store.remove(id, version, audit)),
  }
}

describe('memory', () => {
  const store = createMemoryStore()
  lifeCycleCampaign(() => ({ ...store, close() {} }))
})

describe('SQLite', () => {
  const folder = useFolder()
  lifeCycleCampaign(() => createSqlStore({ url: `sqlite:${join(folder, 'keys.db')}` }))
})

describeWithService('postgres', 'PostgreSQL', (url) => {
  const database = usePostgresDatabase(url)
  lifeCycleCampaign(() => withShortLease(createSqlStore({ url: database.url })))
})

describeWithService('mysql', 'MariaDB', (url) => {
  const database = useMysqlDatabase(url)
  lifeCycleCampaign(() => withShortLease(createSqlStore({ url: database.url })))
})
