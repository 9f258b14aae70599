import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { describeWithService } from '../services.ts'
import { useFolder, usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { buildProgram, type Program } from './processes/spawn.ts'

const keyCount = 50
const processes = 2
/** A request carries four events on average. */
const requestsPerProcess = length(12_500, 1_250)

let program: Program
beforeAll(async () => {
  program = await buildProgram('usage-sender')
})
afterAll(() => program?.remove())

async function countExactly(url: string): Promise<void> {
  const keys = createWriteKeys({ store: createSqlStore({ url }) })
  const made = []
  for (let index = 0; index < keyCount; index++) {
    made.push(await keys.create({ name: `Key ${index}`, sourceType: 'server' }))
  }
  const senders = await Promise.all(Array.from({ length: processes }, () => program.start({ url })))
  try {
    const secrets = made.map(({ key }) => key)
    const began = Date.now()
    const sent = await Promise.all(
      senders.map((sender) => sender.ask<number[]>({ type: 'send', secrets, requests: requestsPerProcess })),
    )
    await Promise.all(senders.map((sender) => sender.ask({ type: 'close' })))
    const expected = made.map((_, index) =>
      sent.reduce((sum, accepted) => sum + (accepted[index] as number), 0),
    )
    const volumes = await keys.volumes(made.map(({ writeKey }) => writeKey.id))
    expect(made.map(({ writeKey }) => volumes.get(writeKey.id)?.events24h)).toEqual(expected)
    const total = expected.reduce((sum, count) => sum + count, 0)
    console.log(
      `${total} events over ${keyCount} keys from ${processes} processes in ${Date.now() - began} ms: all counted`,
    )
  } finally {
    await Promise.all(senders.map((sender) => sender.kill()))
    await keys.close()
  }
}

describe('volume is exact after close', () => {
  const folder = useFolder()
  it('on SQLite', () => countExactly(`sqlite:${join(folder, 'usage.db')}`))
})

describeWithService('postgres', 'volume is exact after close on PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  it('from two processes at once', () => countExactly(database.url))
})
