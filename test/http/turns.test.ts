import { describe, expect, it } from 'vitest'
import { createTurns } from '../../src/http/turns.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

const taker = (key: string) => ({ key, sender: 'one' })

function start() {
  const clock = createManualClock()
  const turns = createTurns({ atOnce: 2, patienceMs: 5_000, clock })
  const log: string[] = []
  async function work(key: string, name = key, sender = 'one'): Promise<void> {
    log.push((await turns.take({ key, sender })) ? name : `${name} was sent away`)
  }
  return { clock, turns, log, work }
}

describe('createTurns', () => {
  it('gives as many turns at once as it may, without a promise', () => {
    const { turns } = start()
    expect(turns.take(taker('a'))).toBe(true)
    expect(turns.take(taker('a'))).toBe(true)
    expect(turns.take(taker('a'))).toBeInstanceOf(Promise)
  })

  it('hands a turn on to the sender who has waited longest for one', async () => {
    const { turns, log, work } = start()
    for (let i = 0; i < 1_000; i++) void work('flood', `flood ${i}`)
    void work('honest')
    void work('other')
    await settled()
    expect(log).toEqual(['flood 0', 'flood 1'])
    for (let i = 0; i < 4; i++) turns.end()
    await settled()
    expect(log.slice(2)).toEqual(['flood 2', 'honest', 'other', 'flood 3'])
  })

  it('goes round among the senders of a key, and gives a key with many no more turns than one with few', async () => {
    const { turns, log, work } = start()
    for (let i = 0; i < 1_000; i++) void work('shared', `flood ${i}`, 'flood')
    void work('shared', 'visitor', 'visitor')
    void work('shared', 'other visitor', 'other visitor')
    void work('own')
    await settled()
    for (let i = 0; i < 5; i++) turns.end()
    await settled()
    expect(log.slice(2)).toEqual(['flood 2', 'own', 'visitor', 'other visitor', 'flood 3'])
  })

  it('gives every turn back, whoever took it', async () => {
    const { turns, log, work } = start()
    for (let i = 0; i < 50; i++) void work(`key ${i % 7}`, undefined, `sender ${i % 3}`)
    for (let i = 0; i < 50; i++) {
      await settled()
      turns.end()
    }
    expect(log).toHaveLength(50)
    expect(turns.take(taker('a'))).toBe(true)
    expect(turns.take(taker('a'))).toBe(true)
    expect(turns.take(taker('a'))).toBeInstanceOf(Promise)
  })

  it('sends away who has waited too long, and lets go on who has not', async () => {
    const { clock, turns, log, work } = start()
    for (const name of ['a', 'a', 'a', 'a', 'b']) void work(name)
    clock.advance(5_001)
    void work('c')
    turns.end()
    await settled()
    expect(log).toEqual(['a', 'a', 'a was sent away', 'b was sent away', 'c'])
  })

  it('sends a crowd away little by little, and then has a turn to give again', async () => {
    const { clock, turns, log, work } = start()
    for (let i = 0; i < 1_002; i++) void work('crowd')
    clock.advance(6_000)
    turns.end()
    await Promise.resolve()
    expect(log.length).toBeLessThan(100)
    while (log.length < 1_002) await settled()
    expect(log.filter((entry) => entry.endsWith('sent away'))).toHaveLength(1_000)
    await settled()
    expect(turns.take(taker('late'))).toBe(true)
  })
})
