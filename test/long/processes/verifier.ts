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
let accepted = new Set<number>()
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
  if (verdict.ok) accepted.add(index)
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
    await pause(options.pauseMs)
  }
}

/** Until everything in the group has been verified again from the beginning. */
async function again(): Promise<void> {
  const enough = rounds + 2
  while (rounds < enough) await pause(5)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

answerMessages({
  /** What this process takes for the time, in milliseconds. */
  time: () => Date.now(),
  /** Answers when each secret has been accepted, and so is cached. */
  async verify({ secrets }: { secrets: readonly { index: number; secret: string }[] }) {
    accepted = new Set()
    group = secrets
    while (!group.every(({ index }) => accepted.has(index))) await pause(5)
  },
  again,
  /** Ends the verifying and writes the log to its end. */
  async finish() {
    group = []
    await again()
    writeLog()
    return { verified, storeErrors: storeErrors.count }
  },
})
run()
