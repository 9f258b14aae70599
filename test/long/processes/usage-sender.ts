import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { answerMessages, readOptions } from './messages.ts'

/** A process that takes in events for many keys, and flushes what it has counted every now and then. */
interface SenderOptions {
  url: string
}

const { url } = readOptions<SenderOptions>()
const report = (details: object, message: string) =>
  process.stderr.write(`${message}: ${String((details as { err?: unknown }).err)}\n`)
const keys = createWriteKeys({
  store: createSqlStore({ url }),
  usage: { flushMs: 100 },
  logger: { error: report, warn: report },
})

answerMessages({
  /** Sends `requests` requests in turn to the secrets: single events and batches. @returns the events accepted per secret. */
  async send({ secrets, requests }: { secrets: string[]; requests: number }): Promise<number[]> {
    const accepted = secrets.map(() => 0)
    for (let index = 0; index < requests; index++) {
      const at = index % secrets.length
      const events = Array.from({ length: 1 + (index % 7) }, (_, n) => ({
        type: n % 2 === 0 ? 'track' : 'page',
      }))
      const verdict = await keys.verify({
        method: 'POST',
        path: '/v1/batch',
        headers: { authorization: `Basic ${btoa(`${secrets[at]}:`)}` },
        body: { batch: events },
      })
      if (!verdict.ok) throw new Error(`refused: ${verdict.reason}`)
      accepted[at] = (accepted[at] as number) + verdict.events.length
      // So that flushes fall between requests.
      if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    return accepted
  },
  async close() {
    await keys.close()
  },
})
