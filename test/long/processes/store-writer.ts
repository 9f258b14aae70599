import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { toBucketStart } from '../../../src/stores/usage-store.ts'
import { answerMessages, readOptions } from './messages.ts'

/** A process that counts for many keys and changes some, and notes how long each of it takes. */
interface WriterOptions {
  url: string
  name: string
}

/** Milliseconds that each write took. */
export interface WriteTimes {
  counts: number[]
  changes: number[]
}

interface WriteRequest {
  keyIds: string[]
  own: string[]
  /** Between two rounds. */
  pauseMs?: number
}

const rowsPerBatch = 200

const { url, name } = readOptions<WriterOptions>()
const store = createSqlStore({ url })
const keys = createWriteKeys({ store })
let number = 0
let stopped = false

answerMessages({
  /** Counts for all keys and changes some that nobody else does, in turn, until `stop`. */
  async write({ keyIds, own, pauseMs = 20 }: WriteRequest): Promise<WriteTimes> {
    const times: WriteTimes = { counts: [], changes: [] }
    stopped = false
    while (!stopped) {
      const from = (++number * rowsPerBatch) % keyIds.length
      const some = keyIds.slice(from, from + rowsPerBatch)
      times.counts.push(await timed(() => count(some)))
      const id = own[number % own.length] as string
      times.changes.push(await timed(() => keys.update(id, { name: `${name} ${number}` })))
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    return times
  },
  stop() {
    stopped = true
  },
  close: () => keys.close(),
})

async function count(keyIds: readonly string[]): Promise<void> {
  const now = Date.now()
  await store.usage.add({
    writer: `writer${name}`.padEnd(16, '0'),
    number,
    madeAt: now,
    counts: keyIds.map((keyId) => ({
      keyId,
      bucketAt: toBucketStart(now),
      kind: 'accepted',
      name: 'track',
      count: 1,
    })),
    lastEventAt: new Map(keyIds.map((keyId) => [keyId, now])),
    lastUsedAt: new Map(),
  })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}
