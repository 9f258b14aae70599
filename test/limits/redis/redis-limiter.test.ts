import { randomUUID } from 'node:crypto'
import { createClient } from 'redis'
import { afterAll, beforeAll } from 'vitest'
import { createRedisLimiter } from '../../../src/redis.ts'
import { limiterContract } from '../../contract/limiter-contract.ts'
import { describeWithService } from '../../services.ts'
import { withVirtualTime } from './virtual-time-client.ts'

describeWithService('redis', 'the Redis limiter', (url) => {
  const client = createClient({ url })
  beforeAll(async () => {
    await client.connect()
  })
  afterAll(() => client.close())

  for (const mode of ['strict', 'leased'] as const) {
    limiterContract(`in mode ${mode}`, (clock) => {
      const prefix = `test:${randomUUID()}:`
      const limiter = createRedisLimiter({
        client: withVirtualTime(client, clock, `${prefix}time`),
        mode,
        prefix,
        clock,
        timeoutMs: 5_000,
      })
      return { limiter, numRuns: 25, slackEvents: mode === 'leased' ? 12 : 0 }
    })
  }
})
