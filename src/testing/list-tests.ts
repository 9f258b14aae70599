import type { KeyRecord } from '../keys/key-record.ts'
import type { ListKeysQuery } from '../keys/list-query.ts'
import { encodeCursor, parseListQuery } from '../keys/list-query.ts'
import { randomBase62 } from '../runtime/base62.ts'
import type { StoreSuite } from './store-suite.ts'

/** The part of the store contract that is about lists. */
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
      query = page.more && last !== undefined ? { ...query, cursor: encodeCursor(last) } : undefined
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
    expect((await store.list(parseListQuery({ environment: `${environment}x` }))).data).toEqual([])
  })
}
