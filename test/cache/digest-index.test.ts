import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDigestIndex } from '../../src/cache/digest-index.ts'

const hexOf = (text: string | number) => createHash('sha256').update(String(text)).digest('hex')
const toDigest = (hex: string) => Buffer.from(hex, 'hex').toString('latin1')

/** Digests that get in each other's way: in one of three shards, and alike in one of the two parts that are kept. */
function crowdedHex(secret: number): string {
  const own = hexOf(secret)
  const place = secret % 2 === 0 ? `0000000${secret % 10}${own.slice(0, 4)}` : `${own.slice(0, 8)}0000`
  return `0${secret % 3}${place}${own.slice(14)}`
}

const allSecrets = Array.from({ length: 201 }, (_, secret) => secret)

describe('an index of digests', () => {
  it('says what a set would say, whatever is added and taken out', () => {
    const secret = fc.nat(200)
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('add'), secret, key: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete'), secret, key: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteOwners'), secret, key: fc.nat(20) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const index = createDigestIndex()
        const model = new Map<number, number>()
        for (const { kind, secret, key } of steps) {
          if (kind === 'add') {
            index.add(crowdedHex(secret), `wk_${key}`)
            model.set(secret, key)
          } else if (kind === 'delete') {
            index.delete(toDigest(crowdedHex(secret)))
            model.delete(secret)
          } else {
            index.deleteOwners([`wk_${key}`, 'wk_nobody'])
            for (const [held, owner] of model) if (owner === key) model.delete(held)
          }
        }
        expect(index.size).toBe(model.size)
        const held = allSecrets.filter((secret) => index.has(toDigest(crowdedHex(secret))))
        expect(held).toEqual([...model.keys()].toSorted((a, b) => a - b))
      }),
      { numRuns: 100 },
    )
  })

  it('tells owners apart, also one whose id has the hash 0', () => {
    const index = createDigestIndex()
    const owners = [
      'wk_kUbablg',
      ...Array.from({ length: 2_000 }, (_, number) => `wk_${hexOf(number).slice(0, 16)}`),
    ]
    for (const [number, owner] of owners.entries()) index.add(hexOf(number), owner)
    const kept = () => owners.filter((_, number) => index.has(toDigest(hexOf(number))))
    expect(kept()).toEqual(owners)
    const [gone, left] = [0, 1].map((rest) => owners.filter((_, number) => number % 2 === rest)) as [
      string[],
      string[],
    ]
    index.deleteOwners(gone)
    expect(kept()).toEqual(left)
  })

  it('loses none of many that share a shard, and frees what it held', () => {
    const index = createDigestIndex()
    // One shard, one place in it: the longest search there is.
    const crowded = Array.from(
      { length: 300 },
      (_, count) => `00${'00000007'}${count.toString(16).padStart(4, '0')}${'0'.repeat(50)}`,
    )
    for (const [count, hex] of crowded.entries()) index.add(hex, `wk_${count % 7}`)
    expect(crowded.every((hex) => index.has(toDigest(hex)))).toBe(true)
    expect(index.bytes / index.size).toBeGreaterThan(12)
    expect(index.bytes / index.size).toBeLessThan(20)
    index.deleteOwners(['wk_0', 'wk_3'])
    for (const [count, hex] of crowded.entries())
      expect(index.has(toDigest(hex))).toBe(count % 7 !== 0 && count % 7 !== 3)
    for (const hex of crowded) index.delete(toDigest(hex))
    expect(index.size).toBe(0)
  })

  it('takes at most 20 bytes a secret, also while it grows', () => {
    const index = createDigestIndex()
    let most = 0
    for (let count = 0; count < 60_000; count++) {
      index.add(hexOf(count), `wk_${count}`)
      if (count > 20_000 && count % 1_000 === 0) most = Math.max(most, index.bytes / index.size)
    }
    expect(index.size).toBe(60_000)
    expect(most).toBeLessThanOrEqual(20)
  })
})
