import { appendFileSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { createClient } from 'redis'
import { writeKeyAuth } from '../../../adapters/node.ts'
import { createWriteKeys } from '../../../src/index.ts'
import { createRedisHints, createRedisLimiter } from '../../../src/redis/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { answerMessages, endOnSignal, readOptions } from './messages.ts'

/** A server behind a proxy that writes down each event before it answers. Built of the sources of more than one version. */
export interface RollingServerOptions {
  url: string
  redisPort: number
  log: string
}

/** What must stay flat in a process that lives long. */
export interface Holdings {
  /** Bytes in use once garbage is collected. */
  heap: number
  descriptors: number
  timers: number
}

const { url, redisPort, log } = readOptions<RollingServerOptions>()
const client = createClient({ socket: { host: '127.0.0.1', port: redisPort, reconnectStrategy: 100 } })
client.on('error', () => {})
const connecting = client.connect().catch(() => {})
const keys = createWriteKeys({
  store: createSqlStore({ url }),
  limiter: createRedisLimiter({ client }),
  hints: createRedisHints({ client }),
  trustedProxies: 1,
  usage: { flushMs: 1_000 },
  logger: { error() {}, warn() {} },
})
const guard = writeKeyAuth(keys)
const server = createServer((request, response) => {
  guard(request, response, () => {
    const { writeKey } = request as unknown as { writeKey: { id: string; events: { event: string }[] } }
    appendFileSync(log, `${writeKey.id} ${writeKey.events.map(({ event }) => event).join(' ')}\n`)
    response.end('ok')
  })
})
server.listen(0, '127.0.0.1', () => {
  answerMessages({
    port: () => (server.address() as { port: number }).port,
    async holdings(): Promise<Holdings> {
      const { gc } = globalThis as unknown as { gc: () => void }
      for (let pass = 0; pass < 3; pass++) {
        gc()
        await new Promise((resolve) => setImmediate(resolve))
      }
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return {
        heap: heapUsed + arrayBuffers,
        descriptors: readdirSync('/proc/self/fd').length,
        timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
      }
    },
  })
})

endOnSignal(server, async () => {
  await keys.close()
  await connecting
  client.destroy()
})
