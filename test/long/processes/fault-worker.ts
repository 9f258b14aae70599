import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createClient } from 'redis'
import { writeKeyAuth } from '../../../adapters/node.ts'
import { createWriteKeys } from '../../../src/index.ts'
import { createRedisHints, createRedisLimiter } from '../../../src/redis/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { answerMessages, endOnSignal, readOptions, sharedNow } from './messages.ts'

/** A server whose handler writes down every event before it answers, and which ends in order on SIGTERM. */
export interface FaultWorkerOptions {
  url: string
  redisPort: number
  leaseMs: number
  flushMs: number
  log: string
}

const { url, redisPort, leaseMs, flushMs, log } = readOptions<FaultWorkerOptions>()
const client = createClient({ socket: { host: '127.0.0.1', port: redisPort, reconnectStrategy: 100 } })
client.on('error', () => {})
client.connect().catch(() => {})
const silent = { error() {}, warn() {} }
const keys = createWriteKeys({
  store: createSqlStore({ url }),
  limiter: createRedisLimiter({ client }),
  hints: createRedisHints({ client }),
  cache: { leaseMs },
  usage: { flushMs },
  logger: silent,
})
const guard = writeKeyAuth(keys)
const server = createServer((request, response) => {
  guard(request, response, () => {
    const { writeKey } = request as unknown as { writeKey: { id: string; events: { event: string }[] } }
    appendFileSync(
      log,
      `${writeKey.id} ${sharedNow()} ${writeKey.events.map(({ event }) => event).join(' ')}\n`,
    )
    response.end('ok')
  })
})
server.listen(0, '127.0.0.1', () => {
  answerMessages({ port: () => (server.address() as { port: number }).port })
})

endOnSignal(server, async () => {
  await keys.close()
  // It may still wait for an answer that was swallowed.
  if (client.isOpen) client.destroy()
})
