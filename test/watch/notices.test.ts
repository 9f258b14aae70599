import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { createNotices } from '../../src/watch/notices.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const start = Date.UTC(2027, 0, 1)
const dayMs = 86_400_000

function open(options: WriteKeysOptions = {}) {
  const events: WriteKeyEvent[] = []
  const keys = createWriteKeys({ onEvent: (event) => events.push(event), logger: false, ...options })
  closers.push(() => keys.close())
  return { keys, events, of: (type: WriteKeyEvent['type']) => events.filter((event) => event.type === type) }
}

/** Two processes over one store, as far as notices go. */
function twoProcesses(store = createMemoryStore()) {
  const time = { now: start }
  const told: WriteKeyEvent[][] = [[], []]
  const processes = told.map((events) =>
    createNotices({
      store,
      clock: { now: () => time.now },
      emit: (event) => events.push(event),
      outage: { began() {}, ended() {} },
    }),
  )
  return { store, time, told, processes }
}

describe('key_changed', () => {
  it('tells every kind of change with its actor and the names of the fields, and no value', async () => {
    const { keys, of } = open()
    const by = (name: string) => ({ actor: { name, address: '203.0.113.9' } })
    const { writeKey } = await keys.create(
      { name: 'Web', sourceType: 'web', workspace: 'acme', metadata: { note: 'private' } },
      by('ada'),
    )
    const { id } = writeKey
    await keys.update(id, { rateLimitEps: 5, metadata: null }, by('bob'))
    await keys.rotate(id, by('cyd'))
    await keys.pause(id, by('dan'))
    await keys.resume(id, by('dan'))
    await keys.revoke(id, by('eve'))
    await keys.remove(id, by('eve'))
    await keys.import([{ name: 'iOS', sourceType: 'mobile', keyHash: 'a'.repeat(64) }], by('fay'))
    await vi.waitFor(() => expect(of('key_changed')).toHaveLength(8), 10_000)
    expect(of('key_changed').map((event) => 'action' in event && [event.action, event.actor])).toEqual([
      ['create', 'ada'],
      ['update', 'bob'],
      ['rotate', 'cyd'],
      ['pause', 'dan'],
      ['resume', 'dan'],
      ['revoke', 'eve'],
      ['remove', 'eve'],
      ['create', 'fay'],
    ])
    expect(of('key_changed')[1]).toMatchObject({
      keyId: id,
      workspace: 'acme',
      address: '203.0.113.9',
      fields: ['rateLimitEps', 'metadata'],
    })
    expect(JSON.stringify(of('key_changed'))).not.toContain('private')
  })

  it('is told once where two processes listen, and also of a change by one that does not', async () => {
    const { store, told, processes } = twoProcesses()
    const [first, second] = processes as [(typeof processes)[0], (typeof processes)[0]]
    await Promise.all([first.readChanges(), second.readChanges()])
    const silent = createWriteKeys({ store, logger: false })
    closers.push(() => silent.close())
    const { writeKey } = await silent.create({ name: 'Web', sourceType: 'web' })
    const [entry] = (await silent.audit()).data
    for (let round = 0; round < 3; round++) for (const process of processes) await process.readChanges()
    expect(told.flat()).toMatchObject([{ type: 'key_changed', action: 'create', keyId: writeKey.id }])
    if (entry === undefined) throw new Error('no entry')
    // One who made a change tells it, and nobody else does.
    await silent.update(writeKey.id, { name: 'Changed' })
    const [update] = (await silent.audit()).data
    if (update === undefined) throw new Error('no entry')
    first.changed(update)
    await vi.waitFor(() => expect(told.flat()).toHaveLength(2), 10_000)
    for (let round = 0; round < 3; round++) for (const process of processes) await process.readChanges()
    expect(told.flat().map((event) => 'action' in event && event.action)).toEqual(['create', 'update'])
  })
})

describe('key_expiring', () => {
  it('is told at 30, 10 and 1 days, once for both processes', async () => {
    const { store, time, told, processes } = twoProcesses()
    const keys = createWriteKeys({ store, logger: false, clock: () => time.now })
    closers.push(() => keys.close())
    const expiresAt = new Date(start + 40 * dayMs)
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web', expiresAt })
    await keys.create({ name: 'For good', sourceType: 'web' })
    const days: unknown[] = []
    for (let day = 0; day <= 41; day++) {
      time.now = start + day * dayMs
      for (const process of processes) await process.scan()
      for (const event of told.flatMap((events) => events.splice(0)))
        if (event.type === 'key_expiring') days.push([day, event.days, event.keyId])
    }
    expect(days).toEqual([
      [10, 30, writeKey.id],
      [30, 10, writeKey.id],
      [39, 1, writeKey.id],
    ])
  })

  it('is told once by processes that share a database', async () => {
    const store = createSqlStore({ url: 'sqlite::memory:' })
    const { processes, told, time } = twoProcesses(store as never)
    const keys = createWriteKeys({ store, logger: false, clock: () => time.now })
    closers.push(() => keys.close())
    await keys.create({ name: 'Web', sourceType: 'web', expiresAt: new Date(start + dayMs / 2) })
    await Promise.all(processes.map((process) => process.scan()))
    expect(told.flat()).toMatchObject([{ type: 'key_expiring', days: 1, name: 'Web' }])
  })
})

it('secret_old is told at 90 days and each quarter, not of a secret that was rotated', async () => {
  const { store, time, told, processes } = twoProcesses()
  const keys = createWriteKeys({ store, logger: false, clock: () => time.now })
  closers.push(() => keys.close())
  const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
  time.now++
  const other = await keys.create({ name: 'iOS', sourceType: 'mobile' })
  time.now = start + 80 * dayMs
  await keys.rotate(other.writeKey.id)
  for (const day of [89, 90, 91, 169, 181]) {
    time.now = start + day * dayMs
    for (const process of processes) await process.scan()
  }
  expect(told.flat().map((event) => event.type === 'secret_old' && [event.keyId, event.days])).toEqual([
    [writeKey.id, 90],
    [writeKey.id, 181],
    [other.writeKey.id, 101],
  ])
})

it('rate_limit_reached is told once an hour for a key', async () => {
  let now = start
  const { keys, of } = open({ clock: () => now })
  const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web', rateLimitEps: 1 })
  const send = () =>
    keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      body: { event: 'Seen' },
    })
  for (let count = 0; count < 5; count++) await send()
  now += 3_600_000
  for (let count = 0; count < 5; count++) await send()
  const notice = { type: 'rate_limit_reached', keyId: writeKey.id, rateLimitEps: 1 }
  expect(of('rate_limit_reached')).toEqual([notice, notice])
})

it('grace_ending is told once, of a secret that is still in use', async () => {
  let now = start
  const { keys, of } = open({ clock: () => now })
  const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
  const rotated = await keys.rotate(writeKey.id, { gracePeriodHours: 3 })
  const send = () =>
    keys.verify({ method: 'GET', path: '/v1/check', headers: { authorization: `Basic ${btoa(`${key}:`)}` } })
  await send()
  expect(of('grace_ending')).toEqual([])
  now += 1.5 * 3_600_000
  for (let count = 0; count < 3; count++) await send()
  expect(of('grace_ending')).toEqual([
    {
      type: 'grace_ending',
      keyId: writeKey.id,
      secretId: rotated.writeKey.secrets[0]?.id,
      expiresAt: rotated.graceExpiresAt,
    },
  ])
})

it('a logger of the application hears of them, and the default one of none', async () => {
  const lines: unknown[] = []
  const log = (level: string) => (details: object, message: string) => lines.push([level, message, details])
  const logger = { info: log('info'), warn: log('warn'), error: log('error') }
  const keys = createWriteKeys({ logger, store: createMemoryStore() })
  closers.push(() => keys.close())
  const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' }, { actor: { name: 'ada' } })
  await vi.waitFor(() => expect(lines).toHaveLength(1), 10_000)
  expect(lines).toEqual([
    [
      'info',
      'writekey: a key was changed: create',
      { keyId: writeKey.id, action: 'create', actor: 'ada', address: null },
    ],
  ])
})
