import type { Socket } from 'node:net'
import { createWriteKeys } from '../../../src/index.ts'
import { createAnswerReader, openSocket, type RawAnswer } from '../../../src/testing/adapter/raw-http.ts'
import { createManualClock, type ManualClock } from '../../../src/testing/manual-clock.ts'
import { differenceOf, isRead } from './differences.ts'
import { type Draft, fromGolden, toBytes } from './drafts.ts'
import { fromGrammar } from './grammar.ts'
import { furnish, houses, optionsOf } from './houses.ts'
import { mutate } from './mutations.ts'
import type { House, KnownKey } from './oracle/expectation.ts'
import { type Judgement, judge } from './oracle/oracle.ts'
import { createRandom } from './random.ts'
import { type Log, type Server, starts } from './servers.ts'

/** A house with its servers, ready for requests. */
export interface Target {
  readonly house: House
  readonly server: Server
  readonly known: ReadonlyMap<string, KnownKey>
  readonly idsByName: ReadonlyMap<string, string>
  readonly log: Log
  readonly clock: ManualClock
}

export interface Sent {
  readonly draft: Draft
  readonly number: string
  readonly bytes: Buffer
  readonly judgement: Judgement
}

export async function open(seed: number): Promise<{ targets: Target[]; close(): Promise<void> }> {
  const closing: (() => unknown)[] = []
  const targets: Target[] = []
  for (const house of houses) {
    const clock = createManualClock()
    const keys = createWriteKeys({ ...optionsOf(house), clock, logger: false })
    const furnished = await furnish(house, keys, clock, seed)
    for (const start of starts) {
      const log: Log = new Map()
      const server = await start(keys, house.eventType, log)
      targets.push({ house, server, log, clock, ...furnished })
      closing.push(() => server.close())
    }
    closing.push(() => keys.close())
  }
  return {
    targets,
    async close() {
      for (const close of closing) await close()
    },
  }
}

/** Requests that one connection carries, at most. */
const batchSize = 16

/** The same requests for the same seed and batch. */
function makeBatch(target: Target, seed: number, number: number): Sent[] {
  const random = createRandom(seed + number * 7_919)
  const secrets = [...target.known.values()]
  const batch: Sent[] = []
  while (batch.length < batchSize) {
    // Half of all requests are of keys that could pass whatever comes.
    const { secret } = random.chance(0.5) ? (secrets[0] as KnownKey) : random.pick(secrets)
    const draft = random.chance(0.4) ? fromGolden(random, secret) : fromGrammar(random, secret)
    mutate(draft, random, secret)
    const sent = prepare(target, draft, `${number}.${batch.length}`)
    batch.push(sent)
    if (sent.judgement.isLast) break
  }
  return batch
}

function remake(target: Target, seed: number, number: string): Sent {
  const [batch, index] = number.split('.').map(Number)
  return makeBatch(target, seed, batch as number)[index as number] as Sent
}

function prepare(target: Target, draft: Draft, number: string): Sent {
  const bytes = toBytes(draft, number)
  const judgement = judge(bytes, target.house, target.known, target.server.guardedPrefix)
  return { draft, number, bytes, judgement }
}

/** Sends requests, the next before the last is answered; those behind one that ends the connection go over another. */
async function send(target: Target, batch: readonly Sent[]): Promise<(RawAnswer | undefined)[]> {
  const answers: (RawAnswer | undefined)[] = []
  while (answers.length < batch.length) {
    // What ends a connection goes over one of its own: answers to requests before it would be lost.
    const isLone = (sent: Sent | undefined) => sent?.judgement.isLast === true
    const rest = batch.slice(
      answers.length,
      isLone(batch.at(-1)) && answers.length < batch.length - 1 ? -1 : undefined,
    )
    const socket = await openSocket(target.server.url)
    try {
      answers.push(...(await exchange(socket, rest)))
    } finally {
      socket.destroy()
    }
  }
  return answers
}

/** At least one answer, which may be none. */
async function exchange(socket: Socket, batch: readonly Sent[]): Promise<(RawAnswer | undefined)[]> {
  const read = createAnswerReader(socket)
  socket.write(Buffer.concat(batch.map(({ bytes }) => bytes)))
  if (batch.at(-1)?.judgement.isCut) socket.end()
  const answers: (RawAnswer | undefined)[] = []
  for (const { draft } of batch) {
    try {
      const answer = await read(draft.method)
      answers.push(answer)
      if (answer.headers.connection === 'close') break
    } catch {
      // The first one without an answer may have been lost behind the end of another: it is sent once more, alone.
      if (answers.length === 0) answers.push(undefined)
      break
    }
  }
  return answers
}

export interface Difference {
  readonly target: Target
  readonly sent: Sent
  readonly what: string
}

export interface Result {
  sent: number
  accepted: number
  /** Requests of which the contract leaves open whether they are accepted. */
  open: number
  /** Requests whose connection ended before they were answered, by what came behind them; right when sent alone. */
  disturbed: number
  readonly answers: Map<string, number>
  readonly differences: Difference[]
}

/** Sends `count` requests; stops early once enough differences were found. */
export async function run(targets: readonly Target[], seed: number, count: number): Promise<Result> {
  const result: Result = { sent: 0, accepted: 0, open: 0, disturbed: 0, answers: new Map(), differences: [] }
  let batches = 0
  async function sendInTurn(): Promise<void> {
    while (result.sent < count && result.differences.length < 20) {
      const number = batches++
      const target = targets[number % targets.length] as Target
      target.clock.advance(100)
      const batch = makeBatch(target, seed, number)
      result.sent += batch.length
      const answers = await send(target, batch)
      for (const [index, sent] of batch.entries()) await tally(target, sent, answers[index], result)
    }
  }
  await Promise.all(Array.from({ length: 6 }, sendInTurn))
  for (const target of targets) {
    for (const [number, handled] of target.log) {
      const sent = remake(target, seed, number)
      // Sent again over another connection, and answered there first.
      const exchange = { target, sent, answer: undefined, handled }
      if (sent.judgement.outcomes.some((outcome) => isRead(outcome, exchange))) continue
      result.differences.push({ target, sent, what: 'a handler ran that nobody waited for' })
    }
  }
  return result
}

async function tally(
  target: Target,
  sent: Sent,
  answer: RawAnswer | undefined,
  result: Result,
): Promise<void> {
  const handled = target.log.get(sent.number) ?? []
  target.log.delete(sent.number)
  const { outcomes } = sent.judgement
  if (new Set(outcomes.map(({ kind }) => kind === 'accepted')).size > 1) result.open++
  if (handled.some(({ context }) => context !== undefined)) result.accepted++
  const name =
    answer === undefined ? 'none' : `${answer.status} ${/"code":"(\w+)"/.exec(answer.body)?.[1] ?? ''}`
  result.answers.set(name, (result.answers.get(name) ?? 0) + 1)
  const what = differenceOf({ target, sent, answer, handled })
  if (what === undefined) return
  // The server answers what is no HTTP at once, in the place of what it was still working on.
  const isDisturbed = answer === undefined || (answer.status === 400 && !answer.body.includes('"code"'))
  if (isDisturbed && (await differs(target, sent.draft, `${sent.number}.alone`)) === undefined)
    result.disturbed++
  else result.differences.push({ target, sent, what })
}

/** Whether a draft shows a difference when it is sent alone. */
export async function differs(target: Target, draft: Draft, number: string): Promise<string | undefined> {
  const sent = prepare(target, draft, number)
  const [answer] = await send(target, [sent])
  const handled = target.log.get(number) ?? []
  target.log.delete(number)
  return differenceOf({ target, sent, answer, handled })
}
