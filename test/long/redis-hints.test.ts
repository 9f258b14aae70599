import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createOwnRedis, type OwnRedis } from '../redis/own-redis.ts'
import { describeWithService } from '../services.ts'
import { usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { percentile, summarize } from './percentile.ts'
import type { CreatedKey, HintedOptions } from './processes/hinted.ts'
import { startProxy, type TcpProxy } from './processes/proxy.ts'
import { buildProgram, type Program, type Running } from './processes/spawn.ts'

const verifiers = 3
const revocations = length(200, 40)
/** Processes ask their store 20 times a second at most, whatever they are told. */
const pauseMs = 60

describeWithService('postgres', 'hints over Redis between processes that share PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  let program: Program
  let redis: OwnRedis
  let proxy: TcpProxy
  let running: Running[] = []
  beforeAll(async () => {
    program = await buildProgram('hinted')
    redis = await createOwnRedis()
    await redis.start()
    proxy = await startProxy('127.0.0.1', redis.port)
  })
  afterEach(async () => {
    await Promise.all(running.map((process) => process.kill()))
    running = []
  })
  afterAll(async () => {
    await proxy?.close()
    await redis?.kill()
    program?.remove()
  })

  /** Milliseconds from each call of revoke to the first refusal in each other process. */
  async function propagation(leaseMs: number, disturb: () => unknown = () => {}): Promise<number[]> {
    const start = async () => {
      const subscriberUrl = `redis://127.0.0.1:${proxy.port}`
      const options: HintedOptions = { url: database.url, redisUrl: redis.url, subscriberUrl, leaseMs }
      const started = await program.start(options)
      running.push(started)
      return started
    }
    const manager = await start()
    const created = await manager.ask<CreatedKey[]>({ type: 'create', count: revocations })
    const others: Running[] = []
    for (let index = 0; index < verifiers; index++) others.push(await start())
    for (const other of others) {
      expect(await other.ask({ type: 'watch', created })).toBe(revocations)
    }
    await disturb()
    const calledAt: Record<string, number> = {}
    for (const { id } of created) {
      calledAt[id] = await manager.ask<number>({ type: 'revoke', id })
      await sleep(pauseMs)
    }
    await sleep(Math.min(leaseMs, 2_000) + 500)
    const times: number[] = []
    for (const other of others) {
      const refusedAt = await other.ask<Record<string, number>>({ type: 'refusals' })
      for (const { id } of created) times.push((refusedAt[id] ?? Infinity) - (calledAt[id] as number))
    }
    return times
  }

  it('make a revocation count elsewhere within milliseconds of a lease of 30 s', async () => {
    const times = await propagation(30_000)
    console.log(`lease 30 s: ${summarize(times)}, longest ${percentile(times, 1).toFixed(1)} ms`)
    // Without hints, polls come every 7.5 s. On machines with much else to do it is far below that all the same.
    expect(percentile(times, 0.5)).toBeLessThan(500)
    expect(percentile(times, 1)).toBeLessThan(2_000)
  })

  it('are not needed for it: without the subscription the lease enforces it', async () => {
    const leaseMs = 1_000
    const times = await propagation(leaseMs, () => proxy.cut(true))
    proxy.cut(false)
    console.log(
      `lease 1 s, no subscription: ${summarize(times)}, longest ${percentile(times, 1).toFixed(1)} ms`,
    )
    // Nobody heard of it at once, or the subscription was there after all.
    expect(percentile(times, 0.5)).toBeGreaterThan(20)
    // Beside the lease: what it takes to commit, to verify, and a busy machine.
    expect(percentile(times, 1)).toBeLessThan(leaseMs + length(250, 1_000))
  })
})
