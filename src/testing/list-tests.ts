import { concerns, hasConcern } from '../keys/concern.ts'
import { effectiveStatuses, effectiveStatusOf } from '../keys/effective-status.ts'
import { newId } from '../keys/ids.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import type { ListKeysQuery } from '../keys/list-query.ts'
import { encodeCursor, parseListQuery, sortValue, storedSorts } from '../keys/list-query.ts'
import { randomBase62 } from '../runtime/base62.ts'
import type { StoreSuite } from './store-suite.ts'
import { createSecretRecord } from './stored-key.ts'

/** The part of the store contract about lists. */
export function listTests({ test, expect, insert }: StoreSuite): void {
  test('lists the newest keys first, page by page, without gaps or repeats', async (store) => {
    const environment = `env-${randomBase62(12)}`
    const records: KeyRecord[] = []
    // Several keys share a moment, so that the id has to decide.
    for (let index = 0; index < 23; index++) {
      records.push(await insert(store, { environment, createdAt: 1_768_478_400_000 + Math.floor(index / 5) }))
    }
    const expected = records.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    const listed: KeyRecord[] = []
    let query: ListKeysQuery | undefined = { environment, limit: 4 }
    while (query !== undefined) {
      const page = await store.list(parseListQuery(query))
      listed.push(...page.data)
      const last = page.data.at(-1)
      query =
        page.more && last !== undefined
          ? { ...query, cursor: encodeCursor({ value: last.createdAt, id: last.id }) }
          : undefined
    }
    expect(listed).toEqual(expected)
    expect((await store.list(parseListQuery({ environment, limit: 23 }))).more).toBe(false)
    expect((await store.list(parseListQuery({ environment, limit: 22 }))).more).toBe(true)
  })

  test('lists by status, source type, environment, name and id', async (store) => {
    const environment = `env-${randomBase62(12)}`
    const web = await insert(store, { environment, name: 'Shop (100%_off)' })
    const server = await insert(store, {
      environment,
      name: 'Backend',
      sourceType: 'server',
      status: 'revoked',
    })
    const found = async (query: ListKeysQuery) =>
      (await store.list(parseListQuery({ environment, ...query }))).data
    expect(await found({ status: 'revoked' })).toEqual([server])
    expect(await found({ status: 'active' })).toEqual([web])
    expect(await found({ sourceType: 'server' })).toEqual([server])
    expect(await found({ q: 'sHOP' })).toEqual([web])
    expect(await found({ q: 'end' })).toEqual([server])
    expect(await found({ q: '100%_' })).toEqual([web])
    for (const q of ['%', '_', '(100', 'p (1']) expect(await found({ q })).toEqual([web])
    for (const q of ['s%p', 'B_ckend', '\\', "'", '*', 'Shop (100%_off)x'])
      expect(await found({ q })).toEqual([])
    expect(await found({ q: web.id.slice(0, 12) })).toEqual([web])
    expect(await found({ q: web.id })).toEqual([web])
    expect(await found({ q: web.id.slice(3) })).toEqual([])
    expect(await found({ q: 'shop', status: 'revoked' })).toEqual([])
    expect(await found({ q: environment.slice(1).toUpperCase(), limit: 2 })).toEqual(
      [web, server].toSorted(byId),
    )
    const start = web.secrets[0]?.start as string
    expect((await found({ q: start })).map(({ id }) => id).includes(web.id)).toBe(true)
    expect(await found({ q: start.slice(1) })).toEqual([])
    if (store.count !== undefined) {
      expect(await store.count(parseListQuery({ environment }))).toBe(2)
      expect(await store.count(parseListQuery({ environment, q: 'shop', limit: 1 }))).toBe(1)
    }
    expect((await store.list(parseListQuery({ environment: `${environment}x` }))).data).toEqual([])
  })
  test('gives many keys at once, as one by one', async (store) => {
    if (store.getMany === undefined) return
    const secrets = [createSecretRecord({ expiresAt: 1_768_478_400_000 }), createSecretRecord()]
    const records = [await insert(store), await insert(store, { secrets }), await insert(store)]
    const ids = records.map(({ id }) => id)
    const found = await store.getMany([...ids.slice(1), newId('key')])
    expect(found.toSorted(byId)).toEqual(records.slice(1).toSorted(byId))
    expect(await store.getMany([])).toEqual([])
  })

  test('gives the ids of keys that fit, page by page', async (store) => {
    if (store.ids === undefined) return
    const environment = `env-${randomBase62(12)}`
    const records: KeyRecord[] = []
    for (let index = 0; index < 7; index++)
      records.push(await insert(store, { environment, sourceType: index === 3 ? 'web' : 'server' }))
    const { limit: _limit, sort: _sort, ...filter } = parseListQuery({ environment, sourceType: 'server' })
    const expected = records.filter(({ sourceType }) => sourceType === 'server').map(({ id }) => id)
    const found: string[] = []
    for (let size = 3; size === 3; ) {
      const some = await store.ids(filter, found.at(-1) ?? null, 3)
      size = some.length
      found.push(...some)
    }
    expect(found).toEqual(expected.toSorted())
  })

  test('lists by the status as people see it, at a given time', async (store) => {
    const environment = `env-${randomBase62(12)}`
    const at = 1_768_478_400_000
    const rotated = (expiresAt: number | null) => [createSecretRecord({ expiresAt }), createSecretRecord()]
    const over = { expiresAt: at }
    const lasting = { expiresAt: at + 1 }
    const kinds: Partial<KeyRecord>[] = [
      {},
      lasting,
      over,
      { secrets: rotated(at) },
      { secrets: rotated(at + 1) },
      { secrets: rotated(at + 1), ...lasting },
      { secrets: rotated(at + 1), ...over },
      { secrets: [createSecretRecord(lasting), ...rotated(at + 1)] },
      ...(['paused', 'revoked'] as const).flatMap((status) => [
        { status },
        { status, ...lasting },
        { status, ...over },
        { status, secrets: rotated(at + 1) },
      ]),
    ]
    const records: KeyRecord[] = []
    for (const [index, kind] of kinds.entries())
      records.push(await insert(store, { environment, createdAt: at - index, ...kind }))
    for (const effectiveStatus of effectiveStatuses) {
      const expected = records.filter((record) => effectiveStatusOf(record, at) === effectiveStatus)
      const query = parseListQuery({ environment, effectiveStatus }, at)
      expect((await store.list(query)).data).toEqual(expected)
      if (store.count !== undefined) expect(await store.count(query)).toBe(expected.length)
    }
    const both = parseListQuery({ environment, effectiveStatus: 'expired', status: 'paused' }, at)
    expect((await store.list(both)).data).toEqual([records[10]])
    const sorted = parseListQuery(
      { environment, effectiveStatus: 'rotating', sort: 'last_event_at', limit: 2 },
      at,
    )
    const page = await store.list(sorted)
    expect([page.data.length, page.more]).toEqual([2, true])
  })

  test('lists the keys that somebody should look at, by the reason', async (store) => {
    const environment = `env-${randomBase62(12)}`
    const at = Math.floor((await store.usage?.now?.()) ?? Date.now())
    const dayMs = 86_400_000
    const ago = (days: number) => ({ createdAt: at - days * dayMs, expiresAt: null })
    const made = (days: number, ...graceDays: number[]) => ({
      createdAt: at - days * dayMs,
      secrets: [
        ...graceDays.map((left) => createSecretRecord({ ...ago(days), expiresAt: at + left * dayMs })),
        createSecretRecord(ago(days)),
      ],
    })
    const kinds: Partial<KeyRecord>[] = [
      made(1, 0.5),
      made(1, 2),
      made(1, 2, 0.9),
      made(1, -0.1),
      { ...made(1, 0.5), status: 'revoked' },
      made(91),
      made(91),
      made(89),
      made(29),
      { ...made(91), status: 'paused' },
      { ...made(91), expiresAt: at - 1 },
    ]
    const records: KeyRecord[] = []
    for (const kind of kinds) records.push(await insert(store, { environment, ...kind }))
    const lastEvents = new Map([6, 7, 9, 10].map((index) => [records[index]?.id as string, at - 10 * dayMs]))
    lastEvents.set(records[5]?.id as string, at - 31 * dayMs)
    if (store.usage === undefined) lastEvents.clear()
    await store.usage?.add({
      writer: randomBase62(16),
      number: 1,
      madeAt: at,
      counts: [],
      lastUsedAt: new Map(),
      lastEventAt: lastEvents,
    })
    for (const concern of concerns) {
      const query = parseListQuery({ environment, concern }, at)
      const expected = records.filter((record) =>
        hasConcern(record, { is: concern, at }, lastEvents.get(record.id) ?? 0),
      )
      const found = (await store.list(query)).data.map(({ id }) => id)
      expect(found.toSorted()).toEqual(expected.map(({ id }) => id).toSorted())
      if (store.count !== undefined) expect(await store.count(query)).toBe(expected.length)
    }
  })

  test('lists by name, environment, source type and last event, either way, page by page', async (store) => {
    const environment = `env-${randomBase62(12)}`
    const names = ['b', 'Ä', 'a', 'B', 'c', 'a', 'Z', '_']
    const records: KeyRecord[] = []
    for (const [index, name] of names.entries()) {
      const sourceType = index % 2 === 0 ? 'web' : 'server'
      records.push(
        await insert(store, { environment, name, sourceType, createdAt: 1_768_478_400_000 + index }),
      )
    }
    const times = new Map(records.slice(0, 4).map(({ id }, index) => [id, 1_768_478_400_000 - (index % 3)]))
    if (store.usage !== undefined) {
      const nothing = { counts: [], lastUsedAt: new Map() }
      const batch = { writer: randomBase62(16), number: 1, madeAt: 1_768_478_500_000 }
      await store.usage.add({ ...batch, ...nothing, lastEventAt: times })
    }
    for (const by of storedSorts) {
      if (by === 'last_event_at' && store.usage === undefined) continue
      const value = (record: KeyRecord) => sortValue(by, record, times.get(record.id) ?? 0)
      const compare = (a: KeyRecord, b: KeyRecord) =>
        value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.id < b.id ? -1 : 1
      for (const descending of [false, true]) {
        const sort = descending ? (`-${by}` as const) : by
        const listed: string[] = []
        let query: ListKeysQuery | undefined = { environment, limit: 3, sort }
        while (query !== undefined) {
          const page = await store.list(parseListQuery(query))
          listed.push(...page.data.map(({ id }) => id))
          const last = page.data.at(-1)
          const cursor = last && encodeCursor({ value: value(last), id: last.id })
          query = page.more && cursor !== undefined ? { ...query, cursor } : undefined
        }
        const expected = records.toSorted((a, b) => compare(a, b) * (descending ? -1 : 1))
        expect(listed).toEqual(expected.map(({ id }) => id))
      }
    }
  })
}

function byId(a: KeyRecord, b: KeyRecord): number {
  return a.createdAt === b.createdAt ? (a.id < b.id ? 1 : -1) : b.createdAt - a.createdAt
}
