import { afterEach, describe, expect, it } from 'vitest'
import { createKnownSecrets, type KnownSecrets } from '../../src/cache/known-secrets.ts'
import type { ExistingSecret, KeyRecord } from '../../src/testing/index.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { createGate, digestOf } from './shared-memory.ts'

const opened: KnownSecrets[] = []
afterEach(() => {
  for (const known of opened.splice(0)) known.close()
})

/** What exists, and a store that tells of it. */
function setUp(count = 0) {
  const records = new Map<string, KeyRecord>()
  const add = (record = createKeyRecord()) => {
    records.set(record.id, record)
    return record
  }
  for (let index = 0; index < count; index++) add()
  const asked = { pages: 0, of: 0 }
  const before: { page?: () => unknown; of?: () => unknown } = {}
  const told: string[] = []
  const secretsOf = (some: Iterable<KeyRecord>): ExistingSecret[] =>
    [...some].flatMap(({ id: keyId, secrets }) => secrets.map(({ keyHash }) => ({ keyId, keyHash })))
  const known = createKnownSecrets(
    {
      async page(after, limit) {
        asked.pages++
        const page = secretsOf(records.values())
          .filter(({ keyHash }) => after === null || keyHash > after)
          .sort((a, b) => (a.keyHash < b.keyHash ? -1 : 1))
          .slice(0, limit)
        await before.page?.()
        return page
      },
      async of(keyIds) {
        asked.of++
        const secrets = secretsOf(keyIds.flatMap((id) => records.get(id) ?? []))
        await before.of?.()
        return secrets
      },
    },
    { began: () => told.push('began'), ended: () => told.push('ended') },
  )
  opened.push(known)
  return { records, add, asked, before, told, known }
}

describe('what is known of the secrets that exist', () => {
  it('is read in pages', async () => {
    const { records, asked, known } = setUp(4_500)
    await known.caughtUp()
    expect([...records.values()].every((record) => known.has(digestOf(record)))).toBe(true)
    expect(known.has(digestOf(createKeyRecord()))).toBe(false)
    expect(asked.pages).toBe(4)
    await known.caughtUp()
    expect(asked.pages).toBe(4)
  })

  it('follows keys that are made, rotated and removed', async () => {
    const { records, add, asked, known } = setUp(5)
    await known.caughtUp()
    const made = add()
    known.note([made.id])
    await known.caughtUp()
    expect(known.has(digestOf(made))).toBe(true)
    const rotated = { ...made, secrets: createKeyRecord().secrets }
    records.set(made.id, rotated)
    known.note([made.id])
    await known.caughtUp()
    expect(known.has(digestOf(made))).toBe(false)
    expect(known.has(digestOf(rotated))).toBe(true)
    records.delete(made.id)
    known.note([made.id])
    await known.caughtUp()
    expect(known.has(digestOf(rotated))).toBe(false)
    expect(asked.pages).toBe(2)
    expect(asked.of).toBe(3)
  })

  it('asks for many changed keys at once', async () => {
    const { add, asked, known } = setUp()
    await known.caughtUp()
    const made = Array.from({ length: 1_500 }, () => add())
    for (const { id } of made) known.note([id])
    await known.caughtUp()
    expect(made.every((record) => known.has(digestOf(record)))).toBe(true)
    expect(asked.of).toBeLessThanOrEqual(3)
  })

  it('takes no page for newer than a change that it may not have seen', async () => {
    const { records, before, known } = setUp(3)
    const removed = [...records.values()][0] as KeyRecord
    const page = createGate()
    before.page = page.wait
    const caughtUp = known.caughtUp()
    records.delete(removed.id)
    known.note([removed.id])
    page.open()
    await caughtUp
    expect(known.has(digestOf(removed))).toBe(false)
  })

  it('counts what it knew while everything is read again', async () => {
    const { records, before, known } = setUp(3)
    await known.caughtUp()
    const [kept] = [...records.values()] as [KeyRecord]
    const page = createGate()
    before.page = page.wait
    known.note('all')
    await new Promise(setImmediate)
    expect(known.has(digestOf(kept))).toBe(true)
    for (const record of records.values()) if (record !== kept) records.delete(record.id)
    page.open()
    await known.caughtUp()
    expect(known.has(digestOf(kept))).toBe(true)
  })

  it('begins again when its place is lost while it reads', async () => {
    const { records, add, before, known } = setUp(3)
    const page = createGate()
    before.page = page.wait
    const caughtUp = known.caughtUp()
    const restored = add()
    known.note('all')
    page.open()
    await caughtUp
    for (const record of [...records.values(), restored]) expect(known.has(digestOf(record))).toBe(true)
  })

  it('tells whoever waits when the store fails, once to the operator, and tries again', async () => {
    const { records, before, told, known } = setUp(3)
    before.page = () => {
      throw new Error('down')
    }
    await expect(known.caughtUp()).rejects.toThrow('down')
    await expect(known.caughtUp()).rejects.toThrow('down')
    delete before.page
    await known.caughtUp()
    expect([...records.values()].every((record) => known.has(digestOf(record)))).toBe(true)
    expect(told.at(-1)).toBe('ended')
    before.of = () => {
      throw new Error('down')
    }
    const [one] = [...records.values()] as [KeyRecord]
    records.delete(one.id)
    known.note([one.id])
    await expect(known.caughtUp()).rejects.toThrow('down')
    delete before.of
    await known.caughtUp()
    expect(known.has(digestOf(one))).toBe(false)
  })

  it('does not keep anybody waiting for longer than the deadline of the store', async () => {
    const { before, known } = setUp(3)
    before.page = () => new Promise(() => {})
    await expect(known.caughtUp()).rejects.toMatchObject({ code: 'store_timeout' })
  })
})
