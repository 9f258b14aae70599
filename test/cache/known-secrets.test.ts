import { afterEach, describe, expect, it, vi } from 'vitest'
import { createKnownSecrets, type KnownSecrets } from '../../src/cache/known-secrets.ts'
import type { ExistingSecret, KeyRecord } from '../../src/testing/index.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { createGate, digestOf } from './shared-memory.ts'

const opened: KnownSecrets[] = []
const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
}
afterEach(() => {
  for (const known of opened.splice(0)) known.close()
  vi.useRealTimers()
})

/** What exists, and a store that tells of it. */
function setUp(count = 0) {
  const records = new Map<string, KeyRecord>()
  const add = (record = createKeyRecord()) => {
    records.set(record.id, record)
    return record
  }
  for (let index = 0; index < count; index++) add()
  const asked = { pages: 0, of: 0, mostAtOnce: 0 }
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
        asked.mostAtOnce = Math.max(asked.mostAtOnce, keyIds.length)
        const secrets = secretsOf(keyIds.flatMap((id) => records.get(id) ?? []))
        return ((await before.of?.()) as ExistingSecret[] | undefined) ?? secrets
      },
    },
    { began: () => told.push('began'), ended: () => told.push('ended') },
  )
  opened.push(known)
  /** Makes its reading fail for two callers, and then no longer. */
  const failTwice = async () => {
    before.page = fail
    for (let count = 0; count < 2; count++) await expect(known.caughtUp()).rejects.toThrow('down')
    delete before.page
  }
  const knowsAll = () => [...records.values()].every((record) => known.has(digestOf(record)))
  return { records, add, asked, before, told, known, failTwice, knowsAll }
}

const fail = () => {
  throw new Error('down')
}

describe('what is known of the secrets that exist', () => {
  it('is read in pages', async () => {
    const { asked, known, told, knowsAll } = setUp(4_500)
    await known.caughtUp()
    expect(knowsAll()).toBe(true)
    expect(known.has(digestOf(createKeyRecord()))).toBe(false)
    expect(asked.pages).toBe(4)
    await known.caughtUp()
    expect(asked.pages).toBe(4)
    expect(told).toEqual(['ended'])
  })

  it('counts page by page', async () => {
    const { records, before, known } = setUp(2_500)
    const digests = [...records.values()].map(digestOf).sort()
    const page = createGate()
    let pages = 0
    before.page = () => (++pages === 2 ? page.wait() : undefined)
    const caughtUp = known.caughtUp()
    while (pages < 2) await settle()
    expect(digests.map(known.has)).toEqual(digests.map((_, index) => index < 2_000))
    known.delete(digests[0] as string)
    page.open()
    await caughtUp
    expect(digests.map(known.has)).toEqual(digests.map((_, index) => index > 0))
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
    known.delete(digestOf(rotated))
    expect(known.has(digestOf(rotated))).toBe(false)
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
    expect(asked.mostAtOnce).toBe(1_000)
  })

  it('is told of a change without anybody waiting for it', async () => {
    const { add, known } = setUp()
    await known.caughtUp()
    const made = add()
    known.note([made.id])
    await settle()
    expect(known.has(digestOf(made))).toBe(true)
  })

  it.each([
    [10, 90],
    [100, 250],
  ])(
    'is updated again after nine times the %d ms that the last update took, %d at most',
    async (tookMs, restMs) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
      vi.advanceTimersByTime(1_000)
      const { records, asked, before, known } = setUp(1)
      await known.caughtUp()
      const [{ id: keyId, secrets }] = [...records.values()] as [KeyRecord]
      before.of = () => {
        delete before.of
        return [
          {
            keyId,
            get keyHash() {
              vi.advanceTimersByTime(tookMs)
              return secrets[0]?.keyHash
            },
          },
        ]
      }
      known.note([keyId])
      await known.caughtUp()
      known.note([keyId])
      vi.advanceTimersByTime(restMs - 1)
      await settle()
      expect(asked.of).toBe(1)
      vi.advanceTimersByTime(1)
      await known.caughtUp()
      expect(asked.of).toBe(2)
    },
  )

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
    const digests = [...records.values()].map(digestOf)
    for (const record of records.values()) if (record !== kept) records.delete(record.id)
    const page = createGate()
    before.page = page.wait
    known.note('all')
    await settle()
    expect(digests.map(known.has)).toEqual([true, true, true])
    const gone = digests.filter((digest) => digest !== digestOf(kept))
    page.open()
    await known.caughtUp()
    expect(known.has(digestOf(kept))).toBe(true)
    expect(gone.map(known.has)).toEqual([false, false])
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
    const { records, asked, before, told, known, failTwice, knowsAll } = setUp(3)
    await failTwice()
    await known.caughtUp()
    expect(knowsAll()).toBe(true)
    expect(told.at(-1)).toBe('ended')
    before.of = fail
    const [one] = [...records.values()] as [KeyRecord]
    records.delete(one.id)
    known.note([one.id])
    await expect(known.caughtUp()).rejects.toThrow('down')
    delete before.of
    const { pages } = asked
    await known.caughtUp()
    expect(known.has(digestOf(one))).toBe(false)
    expect(asked.pages).toBe(pages)
  })

  it('is read again by itself half a second after a failure, once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    vi.advanceTimersByTime(1_000)
    const { asked, told, known, failTwice, knowsAll } = setUp(3)
    await failTwice()
    known.note(['wk_changed'])
    vi.advanceTimersByTime(499)
    await settle()
    expect(asked.pages).toBe(2)
    vi.advanceTimersByTime(1)
    await settle()
    expect(knowsAll()).toBe(true)
    vi.advanceTimersByTime(10_000)
    await settle()
    expect(told).toEqual(['began', 'began', 'ended'])
  })

  it.each([
    ['answers', () => {}],
    ['fails', fail],
  ])(
    'is asked for no more once it is closed, and no outage is told when the store %s then',
    async (_, answer) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
      const { asked, before, told, known } = setUp(4_500)
      const page = createGate()
      before.page = async () => {
        await page.wait()
        answer()
      }
      known.note('all')
      known.close()
      page.open()
      await settle()
      known.note(['wk_changed'])
      vi.advanceTimersByTime(10_000)
      await settle()
      expect(asked).toMatchObject({ pages: 1, of: 0 })
      expect(told).not.toContain('began')
    },
  )

  it('keeps nobody waiting who asks for it after its end', async () => {
    const { asked, told, known } = setUp(1)
    known.close()
    await expect(known.caughtUp()).rejects.toThrow('have been closed')
    known.note('all')
    await settle()
    expect(asked.pages).toBe(0)
    expect(told).toEqual([])
  })

  it('does not keep anybody waiting for longer than the deadline of the store', async () => {
    const { before, known } = setUp(3)
    before.page = () => new Promise(() => {})
    await expect(known.caughtUp()).rejects.toMatchObject({ code: 'store_timeout' })
  })
})
