import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import express from 'express'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster, createSentinel } from 'redis'
import { writeKeyAuth } from '../../../adapters/express.ts'
import { createMemoryStore, createWriteKeys, type RateLimiter } from '../../../src/index.ts'
import { createRedisLimiter, type RedisClient } from '../../../src/redis/index.ts'
import { answerMessages, readOptions, sharedNow } from './messages.ts'

/** An Express endpoint with its limits in Redis, which watches what its limiter makes requests wait for. */
export interface LimitedServerOptions {
  client:
    | 'node-redis'
    | 'ioredis'
    | 'node-redis cluster'
    | 'ioredis cluster'
    | 'node-redis sentinel'
    | 'ioredis sentinel'
  /** Of servers, of nodes of a cluster, or of sentinels. */
  ports: number[]
  mode: 'leased' | 'strict'
  keys: number
  rateLimitEps: number
}

export interface LimitedServerReady {
  port: number
  ids: string[]
  secrets: string[]
}

/** What happened since it was last asked. */
export interface LimitedServerReport {
  admitted: number
  refused: number
  /** How long the limiter took to answer, as the request saw it: with whatever else the process was busy with. */
  waitMs: { median: number; p999: number; longest: number }
  /** How late timers were, in the same time: the share of the machine and of the process in `waitMs`. */
  lateMs: number
  heapMb: number
  changes: { state: 'degraded' | 'recovered'; at: number; why?: string }[]
}

const options = readOptions<LimitedServerOptions>()
const waits = createHistogram()
const late = monitorEventLoopDelay({ resolution: 5 })
late.enable()
const counts = { admitted: 0, refused: 0 }
let changes: LimitedServerReport['changes'] = []

const limiter = createRedisLimiter({ client: await open(), mode: options.mode, processes: 2 })
limiter.observe?.((change) => {
  const { state } = change
  changes.push({ state, at: sharedNow(), ...(state === 'degraded' && { why: change.error.message }) })
})
const keys = createWriteKeys({ store: createMemoryStore(), limiter: watched(limiter) })
const ids: string[] = []
const secrets: string[] = []
for (let count = 0; count < options.keys; count++) {
  const { rateLimitEps } = options
  const { writeKey, key } = await keys.create({ name: 'key', sourceType: 'server', rateLimitEps })
  ids.push(writeKey.id)
  secrets.push(key)
}
const app = express()
app.post('/v1/track', writeKeyAuth(keys), (_request, response) => {
  response.json({ success: true })
})
const server = app.listen(0, '127.0.0.1', () => {
  answerMessages({
    ready: (): LimitedServerReady => ({ port: (server.address() as { port: number }).port, ids, secrets }),
    report,
  })
})

function watched(of: RateLimiter): RateLimiter {
  const note = (startedAt: number, allowed: boolean) => {
    waits.record(Math.max(1, Math.round((performance.now() - startedAt) * 1_000)))
    if (allowed) counts.admitted++
    else counts.refused++
  }
  return {
    ...of,
    async consume(...call) {
      const startedAt = performance.now()
      const result = await of.consume(...call)
      note(startedAt, result.allowed)
      return result
    },
  }
}

function report(): LimitedServerReport {
  globalThis.gc?.()
  const answer = {
    ...counts,
    waitMs: {
      median: waits.percentile(50) / 1_000,
      p999: waits.percentile(99.9) / 1_000,
      longest: waits.max / 1_000,
    },
    lateMs: late.max / 1e6,
    heapMb: process.memoryUsage().heapUsed / 2 ** 20,
    changes,
  }
  counts.admitted = 0
  counts.refused = 0
  changes = []
  waits.reset()
  late.reset()
  return answer
}

async function open(): Promise<RedisClient> {
  const nodes = options.ports.map((port) => ({ host: '127.0.0.1', port }))
  const socket = { reconnectStrategy: 100 }
  const retryStrategy = () => 100
  const connected = async <Client extends { connect(): Promise<unknown>; on: (...args: never[]) => unknown }>(
    client: Client,
  ) => {
    ;(client.on as (event: string, listener: () => void) => void)('error', () => {})
    await client.connect()
    return client
  }
  switch (options.client) {
    case 'node-redis':
      return connected(createClient({ socket: { ...socket, ...nodes[0] } }))
    case 'ioredis':
      return connected(new Redis({ ...nodes[0], retryStrategy, lazyConnect: true }))
    case 'node-redis cluster':
      return connected(
        createCluster({
          rootNodes: nodes.map((node) => ({ socket: node })),
          defaults: { socket },
          topologyRefreshOnReconnectionAttemptStrategy: 500,
        }),
      )
    case 'ioredis cluster':
      return connected(new Cluster(nodes, { clusterRetryStrategy: retryStrategy, lazyConnect: true }))
    case 'node-redis sentinel':
      return connected(
        createSentinel({ name: 'primary', sentinelRootNodes: nodes, nodeClientOptions: { socket } }),
      )
    case 'ioredis sentinel':
      return connected(
        new Redis({
          sentinels: nodes,
          name: 'primary',
          retryStrategy,
          sentinelRetryStrategy: retryStrategy,
          lazyConnect: true,
        }),
      )
  }
}
