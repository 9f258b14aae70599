import { randomBase62 } from '../runtime/base62.ts'
import {
  type FleetStore,
  keptOfSender,
  keptPages,
  keptSightings,
  type Sighting,
} from '../stores/fleet-store.ts'
import { auditOf, type StoreSuite } from './store-suite.ts'

const hourMs = 3_600_000

/** The part of the store contract about what processes share. Stores without it pass. */
export function fleetTests({ test, expect, insert }: StoreSuite): void {
  function testFleet(
    behaviour: string,
    body: (fleet: FleetStore, context: Parameters<Parameters<StoreSuite['test']>[1]>) => Promise<void>,
  ): void {
    test(behaviour, async (store, harness) => {
      if (store.fleet !== undefined) await body(store.fleet, [store, harness])
    })
  }

  testFleet('adds up what processes saw, with the last hour and the one before', async (fleet, [store]) => {
    const { id: keyId } = await insert(store)
    const base = Date.now() - (Date.now() % hourMs) - 5 * hourMs
    const one = sightingOf(keyId, { about: '{"origin":"a"}' })
    const at = (lastAt: number, count: number) => ({ ...one, firstAt: lastAt - 10, lastAt, count })
    await fleet.add([at(base + 500, 3), { ...sightingOf(null), firstAt: base, lastAt: base }])
    await fleet.add([{ ...at(base + 700, 2), about: '{"origin":"b"}' }])
    await fleet.add([at(base + hourMs, 7)])
    const query = { kind: 'problem', keyIds: [keyId], since: base, limit: 10 } as const
    const [found, ...rest] = await fleet.list(query)
    expect(rest).toEqual([])
    expect(found).toEqual({
      ...one,
      count: 12,
      firstAt: base + 490,
      lastAt: base + hourMs,
      lastHour: 7,
      hourBefore: 5,
    })
    await fleet.add([at(base + 4 * hourMs, 1)])
    const [later] = await fleet.list(query)
    expect([later?.lastHour, later?.hourBefore]).toEqual([1, 0])
    expect(await fleet.list({ ...query, since: base + 4 * hourMs + 1 })).toEqual([])
    expect(await fleet.list({ ...query, kind: 'anomaly' })).toEqual([])
    expect(await fleet.list({ ...query, keyIds: [] })).toEqual([])
  })

  testFleet('keeps the most frequent of a key and name, a few of each sender', async (fleet, [store]) => {
    const { id: keyId } = await insert(store)
    const { id: quiet } = await insert(store)
    const at = Date.now()
    const seen = (count: number, changes: Partial<Sighting>) => ({
      ...sightingOf(keyId, changes),
      count,
      firstAt: at,
      lastAt: at,
    })
    const flood = Array.from({ length: 300 }, () => seen(1, { sender: randomBase62(16) }))
    const ofOne = Array.from({ length: 120 }, () => seen(900, { sender: 'theLoudestSender' }))
    await fleet.add([
      ...flood,
      ...ofOne,
      seen(5, { about: '{"it":"stays"}' }),
      { ...seen(9, { about: '{"it":"is old"}' }), firstAt: 0, lastAt: 1 },
      { ...seen(1, {}), keyId: quiet },
    ])
    await fleet.prune({ keptMs: 3_600_000, now: at })
    // Written by a process whose clock is ahead, to a store with its own clock.
    if (store.usage?.now !== undefined) await fleet.prune({ keptMs: 3_600_000, now: at + 40 * 86_400_000 })
    const left = await fleet.list({ kind: 'problem', keyIds: [keyId], since: 0, limit: 1_000 })
    expect(left.length <= keptSightings).toBe(true)
    expect(left.filter(({ sender }) => sender === 'theLoudestSender').length).toBe(keptOfSender)
    expect(left.some(({ about }) => about === '{"it":"stays"}')).toBe(true)
    expect((await fleet.list({ kind: 'problem', keyIds: [quiet], since: 0, limit: 9 })).length).toBe(1)
    expect(left.some(({ about }) => about === '{"it":"is old"}')).toBe(false)
  })

  testFleet('forgets what it was told of a key with the key', async (fleet, [store]) => {
    const record = await insert(store)
    await fleet.add([{ ...sightingOf(record.id), firstAt: Date.now(), lastAt: Date.now() }])
    const query = { kind: 'problem', keyIds: [record.id], since: 0, limit: 9 } as const
    expect((await fleet.list(query)).length).toBe(1)
    await store.remove(record.id, record.version, auditOf('remove', record))
    expect(await fleet.list(query)).toEqual([])
  })

  testFleet('hands pages on, each once, the latest of each process', async (fleet, [, { open }]) => {
    const other = await open?.()
    try {
      const reader = other?.fleet ?? fleet
      const process = randomBase62(16)
      const mine = async (known: ReadonlyMap<string, number>) =>
        (await reader.read(known)).filter((page) => page.process === process).map(({ number }) => number)
      for (const number of [1, 2]) await fleet.put({ process, number, body: `["${number}"]` })
      expect(await mine(new Map())).toEqual([1, 2])
      expect(await mine(new Map([[process, 1]]))).toEqual([2])
      expect(await mine(new Map([[process, 2]]))).toEqual([])
      for (let number = 3; number < 3 + keptPages; number++) await fleet.put({ process, number, body: '[]' })
      expect(await mine(new Map())).toEqual(Array.from({ length: keptPages }, (_, index) => index + 3))
    } finally {
      await other?.close()
    }
  })

  testFleet('says in a poll whether somebody looks', async (fleet, [store, { open }]) => {
    const other = await open?.()
    try {
      await fleet.look(60_000)
      expect((await (other ?? store).poll({ since: null })).isWatched).toBe(true)
    } finally {
      await other?.close()
    }
  })
}

function sightingOf(keyId: string | null, changes: Partial<Sighting> = {}): Sighting {
  const id = randomBase62(16)
  const nothing = { sender: null, about: '{}', count: 1, firstAt: 0, lastAt: 0 }
  return { id, kind: 'problem', name: 'origin_not_allowed', keyId, ...nothing, ...changes }
}
