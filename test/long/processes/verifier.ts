import { appendFileSync } from 'node:fs'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { answerMessages, readOptions, sharedNow } from './messages.ts'

/** A process that verifies one group of secrets over and over, and logs every verification. */
interface VerifierOptions {
  url: string
  notifications: boolean
  leaseMs: number
  log: string
  /** Pause after each round over the group, in milliseconds. */
  pauseMs: number
}

const options = readOptions<VerifierOptions>()
const storeErrors = { count: 0 }
const keys = createWriteKeys({
  store: createSqlStore({ url: options.url, notifications: options.notifications }),
  cache: { leaseMs: options.leaseMs },
  onEvent: (event) => {
    if (event.type === 'store_error') storeErrors.count++
  },
})

let group: readonly { index: number; secret: string }[] = []
let lines: string[] = []
let verified = 0
let rounds = 0

async function verify(index: number, secret: string): Promise<void> {
  const start = sharedNow()
  const verdict = await keys.verify({
    method: 'GET',
    path: '/v1/track',
    headers: { authorization: `Basic ${btoa(`${secret}:`)}` },
    ip: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
  })
  verified++
  lines.push(`${index} ${start} ${sharedNow()} ${verdict.ok ? 'accepted' : verdict.reason}\n`)
}

function writeLog(): void {
  if (lines.length > 0) appendFileSync(options.log, lines.join(''))
  lines = []
}

async function run(): Promise<never> {
  for (;;) {
    // All at once, as requests come: some share a lookup or a poll, and some meet it halfway.
    await Promise.all(group.map(({ index, secret }) => verify(index, secret)))
    rounds++
    if (lines.length > 2_000) writeLog()
    await new Promise((resolve) => setTimeout(resolve, options.pauseMs))
  }
}

answerMessages({
  verify({ secrets }: { secrets: readonly { index: number; secret: string }[] }) {
    group = secrets
  },
  /** Answers when everything in the group has been verified again from the beginning. */
  async again() {
    const enough = rounds + 2
    while (rounds < enough) await new Promise((resolve) => setTimeout(resolve, 5))
  },
  flush() {
    writeLog()
    return { verified, storeErrors: storeErrors.count }
  },
})
run()
