import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { postRequest, runLoad } from '../../bench/load.ts'
import { createOwnRedis, type OwnRedis } from '../redis/own-redis.ts'
import { describeWithService } from '../services.ts'
import { length } from './length.ts'
import { sendPaced } from './paced-load.ts'
import { percentile } from './percentile.ts'
import type {
  LimitedServerOptions,
  LimitedServerReady,
  LimitedServerReport,
} from './processes/limited-server.ts'
import { sharedNow } from './processes/messages.ts'
import { redisCli, startRedisCluster, startSentinelGroup, takeOver } from './processes/redis-groups.ts'
import { buildProgram, type Program, type Running } from './processes/spawn.ts'

type Client = LimitedServerOptions['client']

const keyCount = 8
const rateLimitEps = 100
/** Of two processes that share the rate, as the server is told. */
const localEps = rateLimitEps / 2
const offeredEps = 150
const settledMs = length(2_000, 500)
const outageMs = length(6_000, 1_000)
const afterMs = length(4_000, 1_200)
/** A short outage ends while the client still looks for the new primary, and machines that run short campaigns are busy. */
const latestRecoveryMs = length(2_000, 10_000)
/** Away for longer than any process goes without asking, so that each of them notices. */
const restartMs = 500
const outageOfAMinuteMs = length(60_000, 4_000)

let program: Program
let server: Running | undefined
beforeAll(async () => {
  program = await buildProgram('limited-server')
})
afterEach(async () => {
  await server?.kill()
  server = undefined
})
afterAll(() => program?.remove())

interface Fault {
  begin(keyIds: readonly string[]): unknown
  /** Resolves when shared limits are to be had again. */
  end(): unknown
  /** Whether Redis cannot be asked meanwhile. */
  isOutage: boolean
}

/** A server under load before, during and after a fault: what it answered, and what its limiter did. */
async function strike(
  name: string,
  options: Pick<LimitedServerOptions, 'client' | 'ports' | 'mode'>,
  fault: Fault,
) {
  server = await program.start({ ...options, keys: keyCount, rateLimitEps })
  const { port, ids, secrets } = await server.ask<LimitedServerReady>({ type: 'ready' })
  const report = () => (server as Running).ask<LimitedServerReport>({ type: 'report' })
  const durationMs = settledMs + outageMs + afterMs
  const load = sendPaced({ port, secrets, perSecond: offeredEps * keyCount, durationMs })
  await sleep(settledMs)
  const before = await report()
  const struckAt = sharedNow()
  await fault.begin(ids)
  await sleep(outageMs)
  const during = await report()
  const outageSeconds = (sharedNow() - struckAt) / 1_000
  await fault.end()
  const endedAt = sharedNow()
  const { statuses, latencies } = await load
  const after = await report()

  const changes = [...before.changes, ...during.changes, ...after.changes]
  while (
    fault.isOutage &&
    changes.at(-1)?.state !== 'recovered' &&
    sharedNow() - endedAt < latestRecoveryMs
  ) {
    await sleep(50)
    changes.push(...(await report()).changes)
  }
  const recoveredAt = changes.findLast(({ state }) => state === 'recovered')?.at
  const recoveredMs = recoveredAt === undefined ? 0 : Math.max(0, recoveredAt - endedAt)
  const admittedEps = during.admitted / outageSeconds / keyCount
  const askedEps = (during.admitted + during.refused) / outageSeconds / keyCount
  console.log(
    `${name} (${options.client}, ${options.mode}): ${JSON.stringify(statuses)}, ${changes.map(({ state, why }) => (why === undefined ? state : `${state} (${why})`)).join(', ')}\n` +
      [before, during, after]
        .map(
          ({ waitMs, lateMs }) =>
            `  limiter: median ${waitMs.median.toFixed(2)} ms, p99.9 ${waitMs.p999.toFixed(1)} ms, longest ${waitMs.longest.toFixed(1)} ms (timers up to ${lateMs.toFixed(1)} ms late)\n`,
        )
        .join('') +
      `  HTTP: p99 ${percentile(latencies, 0.99).toFixed(1)} ms, longest ${percentile(latencies, 1).toFixed(1)} ms; ` +
      `${admittedEps.toFixed(0)} eps per key meanwhile, back after ${recoveredMs.toFixed(0)} ms`,
  )
  expect(Object.keys(statuses).filter((status) => status !== '200' && status !== '429')).toEqual([])
  // A busy process comes late to a timer, and late to the look at its sockets that follows: not the limiter's doing.
  // What waited when one report was made may be in the next.
  let lateBeforeMs = 0
  for (const { waitMs, lateMs } of [before, during, after]) {
    expect(waitMs.longest).toBeLessThan(60 + 2 * (lateBeforeMs + lateMs))
    lateBeforeMs = lateMs
  }
  // Machines that run short campaigns stall for longer than the 50 ms that Redis is given.
  if (length(true, false)) expect(before.changes).toEqual([])
  if (!fault.isOutage) {
    // A machine that stalls may look like an outage, but not for long.
    expect(changes.at(-1)?.state).not.toBe('degraded')
    return
  }
  expect(changes.at(0)?.state).toBe('degraded')
  expect(changes.at(-1)?.state).toBe('recovered')
  expect(recoveredMs).toBeLessThan(latestRecoveryMs)
  return { admittedEps, askedEps, outageSeconds }
}

function trackRequest(secret: string): Buffer {
  const authorization = `Basic ${btoa(`${secret}:`)}`
  const headers = { authorization, 'content-type': 'application/json' }
  return postRequest('/v1/track', headers, JSON.stringify({ type: 'track', event: 'Seen' }))
}

function expectLocal(told: Awaited<ReturnType<typeof strike>>): void {
  const { admittedEps, askedEps, outageSeconds } = told as NonNullable<typeof told>
  // A machine that has no time for the load offers less.
  expect(admittedEps).toBeGreaterThan(Math.min(localEps, askedEps) * 0.85)
  // What was held or left when it struck, and a local burst.
  expect(admittedEps).toBeLessThan(localEps * 1.1 + rateLimitEps / outageSeconds)
}

describeWithService('redis', 'an Express endpoint with its limits in Redis', () => {
  let redis: OwnRedis
  beforeAll(async () => {
    redis = await createOwnRedis()
  })
  afterAll(() => redis?.kill())
  const promote = () => redisCli(redis.port, 'replicaof', 'no', 'one')

  const faults: Record<string, Fault> = {
    stopped: { begin: () => redis.stop(), end: () => redis.start(), isOutage: true },
    frozen: { begin: () => redis.freeze(), end: () => redis.thaw(), isOutage: true },
    killed: { begin: () => redis.kill(), end: () => redis.start(), isOutage: true },
    'made a read-only replica': {
      begin: () => redisCli(redis.port, 'replicaof', '127.0.0.1', '1'),
      end: promote,
      isOutage: true,
    },
    'flushed, scripts and all': {
      begin: async () => {
        await redisCli(redis.port, 'script', 'flush')
        await redisCli(redis.port, 'flushall')
      },
      end() {},
      isOutage: false,
    },
  }
  for (const [name, fault] of Object.entries(faults)) {
    // What a fault does is the same for all clients and modes: some meet two of each.
    const kinds = length<Client[]>(
      name === 'frozen' || name === 'killed' ? ['node-redis', 'ioredis'] : ['node-redis'],
      [name === 'frozen' ? 'ioredis' : 'node-redis'],
    )
    for (const client of kinds) {
      it(`answers as before, and keeps to its part of the rate, when Redis is ${name} (${client})`, async () => {
        await redis.start()
        const mode = client === 'ioredis' ? 'strict' : 'leased'
        const told = await strike(name, { client, ports: [redis.port], mode }, fault)
        if (fault.isOutage) expectLocal(told)
      })
    }
  }

  it('goes on when Redis is restarted', async () => {
    await redis.start()
    await strike(
      'restarted',
      { client: 'node-redis', ports: [redis.port], mode: 'leased' },
      {
        begin: async () => {
          await redis.stop()
          await sleep(restartMs)
          await redis.start()
        },
        end() {},
        isOutage: true,
      },
    )
  })

  it('keeps its memory through a minute without an answer at full load', async () => {
    await redis.start()
    server = await program.start({
      client: 'node-redis',
      ports: [redis.port],
      mode: 'leased',
      keys: keyCount,
      rateLimitEps: 100_000,
    })
    const { port, secrets } = await server.ask<LimitedServerReady>({ type: 'ready' })
    let sent = 0
    const requests = secrets.map(trackRequest)
    const request = () => requests[sent++ % requests.length] as Buffer
    const load = (durationMs: number) => runLoad({ port, request, connections: 32, durationMs })
    await load(2_000)
    redis.freeze()
    const heapMb: number[] = []
    let answered = 0
    const steps = 8
    for (let step = 0; step < steps; step++) {
      const result = await load(outageOfAMinuteMs / steps)
      expect(Object.keys(result.statuses)).toEqual(['200'])
      answered += result.answered
      heapMb.push((await server.ask<LimitedServerReport>({ type: 'report' })).heapMb)
    }
    console.log(
      `frozen for ${outageOfAMinuteMs / 1_000} s: ${answered} answers, heap ${heapMb.map((mb) => mb.toFixed(1)).join(' ')} MB`,
    )
    expect(Math.max(...heapMb.slice(2)) - (heapMb[1] as number)).toBeLessThan(5)
    redis.thaw()
  })

  it.each(length<Client[]>(['node-redis sentinel', 'ioredis sentinel'], ['node-redis sentinel']))(
    'goes on when a sentinel promotes the replica (%s)',
    async (client) => {
      const group = await startSentinelGroup()
      try {
        await strike(
          'failed over',
          { client, ports: [group.sentinelPort], mode: 'leased' },
          {
            begin: () => group.primary.kill(),
            end: () => group.promotion(),
            isOutage: true,
          },
        )
      } finally {
        await group.end()
      }
    },
  )

  it.each(length<Client[]>(['node-redis cluster', 'ioredis cluster'], ['ioredis cluster']))(
    'follows slots that move within a cluster, and a replica that takes over (%s)',
    async (client) => {
      const cluster = await startRedisCluster()
      const toKey = (id: string | undefined) => `writekey:limit:{${id}}`
      const ports = cluster.nodes.map(({ port }) => port)
      try {
        await strike(
          'resharded',
          { client, ports, mode: 'strict' },
          {
            begin: async (ids) => {
              for (const id of ids.slice(0, 3)) await cluster.moveKey(toKey(id))
            },
            end() {},
            isOutage: false,
          },
        )
        const { asked, moved } = await cluster.redirections()
        console.log(`told to ask another node ${asked} times, and of moved slots ${moved} times`)
        expect(Math.min(asked, moved)).toBeGreaterThan(0)
        await server?.kill()
        let replica: OwnRedis
        await strike(
          'a node lost',
          { client, ports, mode: 'leased' },
          {
            async begin([id]) {
              const owner = await cluster.ownerOf(toKey(id))
              replica = await cluster.replicaOf(owner)
              await owner.kill()
            },
            end: () => takeOver(replica),
            isOutage: true,
          },
        )
      } finally {
        await cluster.end()
      }
    },
  )
})
