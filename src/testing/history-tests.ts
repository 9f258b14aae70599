import { parseListQuery } from '../keys/list-query.ts'
import type { KeyStore, Position } from '../stores/key-store.ts'
import { auditOf, find, hashOf, type StoreSuite } from './store-suite.ts'
import { createKeyRecord } from './stored-key.ts'

/** No store has given this mark to a revision. */
const foreignMark = '0'.repeat(16)

/** The part of the store contract that revocation depends on: revisions, their marks, polls and the lease. */
export function historyTests({ test, expect, insert, expectCommitted }: StoreSuite): void {
  const positionOf = async (store: KeyStore): Promise<Position> =>
    (await store.poll({ since: null })).position

  test('raises its revision with every change, and by nothing else', async (store) => {
    const positions = [await positionOf(store)]
    const record = await insert(store)
    positions.push(await positionOf(store))
    const next = { ...record, version: 2 }
    await store.replace(next, auditOf('update', next))
    positions.push(await positionOf(store))
    await store.remove(record.id, 2, auditOf('remove', next))
    positions.push(await positionOf(store))
    for (let index = 1; index < positions.length; index++) {
      expect(positions[index]?.revision).toBeGreaterThan(positions[index - 1]?.revision as number)
    }
    expect(new Set(positions.map(({ mark }) => mark)).size).toBe(positions.length)
    await store.get(record.id)
    await find(store, hashOf(record))
    await store.list(parseListQuery({}))
    expect(await positionOf(store)).toEqual(positions.at(-1))
  })

  test('raises no revision for a change that it refuses', async (store) => {
    const record = await insert(store)
    const before = await positionOf(store)
    expect(await store.insert(record, auditOf('create', record))).toBeUndefined()
    expect(await store.replace({ ...record, version: 5 }, auditOf('update', record))).toBeUndefined()
    expect(await store.remove(record.id, 4, auditOf('remove', record))).toBeUndefined()
    expect(await positionOf(store)).toEqual(before)
  })

  test('gives every revision a mark, the first one too', async (store) => {
    const { mark } = await positionOf(store)
    expect(mark).toMatch(/^[0-9A-Za-z]{16}$/)
    expect((await store.poll({ since: await positionOf(store) })).history).toBe('kept')
  })

  test('says of a change where it was committed, and how long the lease is', async (store) => {
    const record = createKeyRecord()
    const inserted = await store.insert(record, auditOf('create', record))
    expectCommitted(inserted)
    const answer = await store.poll({ since: null })
    expect(inserted?.position).toEqual(answer.position)
    expect(inserted?.leaseMs).toBe(answer.leaseMs)
    const next = { ...record, version: 2 }
    const replaced = await store.replace(next, auditOf('update', next))
    expect(replaced?.position).toEqual(await positionOf(store))
    const removed = await store.remove(record.id, 2, auditOf('remove', next))
    expect(removed?.position).toEqual(await positionOf(store))
  })

  test('says which keys changed since a place in its history', async (store) => {
    const untouched = await insert(store)
    const [changed, removed] = [await insert(store), await insert(store)]
    const since = await positionOf(store)
    expect(await store.poll({ since })).toMatchObject({ position: since, history: 'kept', changed: [] })
    const next = { ...changed, version: 2 }
    await store.replace(next, auditOf('update', next))
    await store.remove(removed.id, 1, auditOf('remove', removed))
    const created = await insert(store)
    const answer = await store.poll({ since })
    expect(answer.history).toBe('kept')
    expect(answer.position).toEqual(await positionOf(store))
    if (answer.changed === 'all') return
    for (const { id } of [changed, removed, created]) expect(answer.changed).toContain(id)
    expect(answer.changed.includes(untouched.id)).toBe(false)
  })

  test('does not lose a change to a reader that knows nothing yet', async (store) => {
    const answer = await store.poll({ since: null })
    expect(answer.history).toBe('kept')
    expect(answer.changed).toBe('all')
    const record = await insert(store)
    const { changed } = await store.poll({ since: answer.position })
    expect(changed === 'all' || changed.includes(record.id)).toBe(true)
  })

  test('tells a place in another history from one of its own', async (store) => {
    const earlier = await positionOf(store)
    await insert(store)
    const { revision } = await positionOf(store)
    for (const since of [
      { revision, mark: foreignMark },
      { revision: earlier.revision, mark: foreignMark },
      { revision: revision + 1, mark: foreignMark },
      { revision: revision + 1_000_000, mark: earlier.mark },
      { revision, mark: earlier.mark },
    ]) {
      const answer = await store.poll({ since })
      expect(answer.history).toBe('lost')
      expect(answer.changed).toBe('all')
      expect(answer.position).toEqual(await positionOf(store))
    }
  })

  test('looks a secret up in the snapshot of the poll', async (store) => {
    const record = await insert(store)
    const since = await positionOf(store)
    const answer = await store.poll({ since, keyHash: hashOf(record) })
    expect(answer).toMatchObject({ position: since, history: 'kept', changed: [] })
    expect(answer.record).toEqual(record)
    expect((await store.poll({ since })).record).toBeUndefined()
    const next = { ...record, name: 'Renamed', version: 2 }
    await store.replace(next, auditOf('update', next))
    const later = await store.poll({ since, keyHash: hashOf(record) })
    expect(later.record).toEqual(next)
    expect(later.position.revision).toBeGreaterThan(since.revision)
    expect(later.changed === 'all' || later.changed.includes(record.id)).toBe(true)
  })

  test('finds no record of one revision beside the number of another, while changes go on', async (store) => {
    let record = await insert(store)
    const committed = new Map([[(await positionOf(store)).revision, record.version]])
    let isOver = false
    const changing = (async () => {
      for (let change = 0; change < 30; change++) {
        record = { ...record, version: record.version + 1 }
        const done = await store.replace(record, auditOf('update', record))
        committed.set(done?.position.revision as number, record.version)
        await new Promise((resolve) => setTimeout(resolve, 0))
      }
      isOver = true
    })()
    const seen: [number, number | undefined][] = []
    while (!isOver) {
      const answer = await store.poll({ since: null, keyHash: hashOf(record) })
      seen.push([answer.position.revision, answer.record?.version])
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    await changing
    for (const [revision, version] of seen) {
      if (committed.has(revision)) expect(version).toBe(committed.get(revision))
    }
  })

  test('tells watchers of this process before a change returns', async (store) => {
    if (store.scope !== 'process' || store.watch === undefined) return
    const heard: unknown[] = []
    const unwatch = store.watch((keyIds) => heard.push(keyIds))
    const record = await insert(store)
    expect(heard).toEqual([[record.id]])
    unwatch()
    await insert(store)
    expect(heard.length).toBe(1)
  })

  test('shows a second process what the first one changed', async (store, { open }) => {
    if (open === undefined) return
    const second = await open()
    try {
      const record = await insert(store)
      const { position } = await second.poll({ since: null })
      expect(position).toEqual(await positionOf(store))
      expect(await find(second, hashOf(record))).toEqual(record)
      const revoked = { ...record, status: 'revoked' as const, revokedAt: record.createdAt + 1, version: 2 }
      const change = await store.replace(revoked, auditOf('revoke', revoked))
      const answer = await second.poll({ since: position, keyHash: hashOf(record) })
      expect(answer.record).toEqual(revoked)
      expect(answer.position).toEqual(change?.position)
      expect(answer.changed === 'all' || answer.changed.includes(record.id)).toBe(true)
      const rivals = [store, second].map((handle, index) => ({
        handle,
        next: { ...revoked, name: `${index}`, version: 3 },
      }))
      const won = await Promise.all(
        rivals.map(async ({ handle, next }) => handle.replace(next, auditOf('update', next))),
      )
      expect(won.filter(Boolean).length).toBe(1)
    } finally {
      await second.close()
    }
  })

  test('takes a longer lease at once, and a shorter one when nobody goes by the longer one any more', async (store) => {
    if (store.setLease === undefined) return
    const leasesOf = async () => {
      const record = await insert(store)
      const removed = await store.remove(record.id, 1, auditOf('remove', record))
      return { polled: (await store.poll({ since: null })).leaseMs, waited: removed?.leaseMs as number }
    }
    // Short leases, because a store may use less than it is asked for.
    await store.setLease(60)
    expect(await leasesOf()).toEqual({ polled: 60, waited: 60 })
    await store.setLease(80)
    expect(await leasesOf()).toEqual({ polled: 80, waited: 80 })
    const beganAt = performance.now()
    const lowered = store.setLease(60)
    for (;;) {
      const { polled, waited } = await leasesOf()
      expect(waited >= polled).toBe(true)
      if (waited === 60) break
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    // Processes that polled before use the longer lease, so changes have waited for it.
    expect(performance.now() - beganAt >= 80).toBe(true)
    await lowered
  })
}
