import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { ServerReady } from './http-server.ts'
import { sized } from './length.ts'
import { type LoadResult, postRequest, runLoad } from './load.ts'
import { ratioOf, spreadOf } from './measurement.ts'
import { assertSame, type Goal, report } from './report.ts'
import { basicCredential, trackEvent } from './sample.ts'

/** More rounds and shorter ones: a moment in which the machine is busy elsewhere then spoils few of them. */
const rounds = sized({ full: 15, short: 7, smoke: 1 })
const roundMs = sized({ full: 300, short: 300, smoke: 50 })
/** A server runs at full speed only once its code has been compiled, which takes requests and not time. */
const warmUpRequests = sized({ full: 6_000, short: 6_000, smoke: 10 })
const longestWarmUpMs = 1_000
const fullCollections = 3
const warmUpSliceMs = sized({ full: 250, short: 250, smoke: 10 })
export const connections = 32

/** A server in a process of its own, and the request to send it. */
export interface Subject extends ServerReady {
  process: ChildProcess
  request: Buffer
}

/** Requests per second, and processor time of the server per request in microseconds, by round. */
export interface Series {
  perSecond: number[]
  cpuUs: number[]
}

/** Whether servers and load have a processor each; found out by `withSubjects`. */
export let isPinned: boolean | undefined

/**
 * Starts subjects, each in a process of its own, checks that all give the same answer, and ends them afterwards.
 *
 * @param server the part's module that such a process runs, told the name of its subject
 */
export async function withSubjects(
  server: string,
  names: readonly string[],
  use: (subjects: Record<string, Subject>) => Promise<void>,
): Promise<void> {
  // Not sooner: what a part starts before, for other ends, would be pinned with it.
  isPinned ??= pinSelf()
  const subjects: Record<string, Subject> = {}
  try {
    for (const name of names) subjects[name] = await start(server, name)
    for (const name of names) await assertAnswers(name, subjects[name] as Subject)
    await use(subjects)
  } finally {
    for (const { process } of Object.values(subjects)) process.kill()
  }
}

/**
 * Sends each subject its request as fast as it answers, in turn.
 *
 * @param expected the status that a subject answers with, where it is not 200
 */
export async function measureInTurn(
  subjects: Record<string, Subject>,
  expected: Record<string, number> = {},
): Promise<Record<string, Series>> {
  const series: Record<string, Series> = {}
  const names = Object.keys(subjects)
  for (const name of names) {
    await warmUp(subjects[name] as Subject)
    series[name] = { perSecond: [], cpuUs: [] }
  }
  for (let round = 0; round < rounds; round++) {
    // The order turns, so that nobody always runs behind the same neighbour.
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + round) % names.length] as string
      const subject = subjects[name] as Subject
      const before = await cpuOf(subject.process)
      const result = await runLoad({ ...subject, connections, durationMs: roundMs })
      const spent = (await cpuOf(subject.process)) - before
      assertSame(`${name} answers`, Object.keys(result.statuses), [String(expected[name] ?? 200)])
      addRound(series[name] as Series, result, spent)
    }
  }
  return series
}

/** Throughput of one subject over that of another, and in the note the same by processor time. */
export function reportThroughput(
  name: string,
  series: Record<string, Series>,
  subject: string,
  peer: string,
  goal?: Goal,
): void {
  const [left, right] = [series[subject] as Series, series[peer] as Series]
  const rate = ({ perSecond }: Series) => Math.round(spreadOf(perSecond).median).toLocaleString('en-US')
  const cpu = ({ cpuUs }: Series) => spreadOf(cpuUs).median.toFixed(0)
  report({
    name,
    value: ratioOf(left.perSecond, right.perSecond),
    ...(goal && { goal }),
    note: `${rate(left)}/s against ${rate(right)}/s; processor time ${cpu(left)} µs against ${cpu(right)} µs, ${ratioOf(right.cpuUs, left.cpuUs).median.toFixed(2)} ×`,
  })
}

/**
 * Has a server's code compiled, and what lives long moved among the old objects: a server of some hundred thousand requests has had full
 * collections, and may be slower after them.
 */
export async function warmUp(subject: Subject): Promise<void> {
  for (let pass = 0; pass < fullCollections; pass++) {
    await compile(subject)
    await ask(subject.process, 'collect')
  }
  await compile(subject)
}

async function compile(subject: Subject): Promise<void> {
  const end = performance.now() + longestWarmUpMs
  for (let answered = 0; answered < warmUpRequests && performance.now() < end; ) {
    answered += (await runLoad({ ...subject, connections, durationMs: warmUpSliceMs })).answered
  }
}

export function trackRequest(secret: string): Buffer {
  return postRequest('/v1/track', headersFor(secret), JSON.stringify(trackEvent()))
}

export function headersFor(secret: string): Record<string, string> {
  return {
    authorization: basicCredential(secret),
    'content-type': 'application/json',
    'user-agent': 'sample/1.0',
    accept: '*/*',
    origin: 'https://app.example.com',
  }
}

function addRound(series: Series, { answered, seconds }: LoadResult, cpuUs: number): void {
  series.perSecond.push(answered / seconds)
  series.cpuUs.push(cpuUs / answered)
}

async function start(server: string, name: string): Promise<Subject> {
  const file = fileURLToPath(new URL(`./${server}.js`, import.meta.url))
  const command = [process.execPath, '--expose-gc', file, name]
  const [program, ...args] = isPinned ? ['taskset', '-c', '0', ...command] : command
  const child = spawn(program as string, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const ready = await new Promise<ServerReady>((resolve, reject) => {
    child.once('message', (message) => resolve(message as ServerReady))
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
  })
  return { ...ready, process: child, request: trackRequest(ready.secret) }
}

async function assertAnswers(name: string, { port, secret }: Subject): Promise<void> {
  const send = (user: string) =>
    fetch(`http://127.0.0.1:${port}/v1/track`, {
      method: 'POST',
      headers: headersFor(user),
      body: JSON.stringify(trackEvent()),
    })
  const good = await send(secret)
  assertSame(
    `${name} accepts`,
    [good.status, await good.json()],
    [200, { success: true, event: 'Order Completed' }],
  )
  const bad = await send(`${secret.slice(0, -1)}!`)
  await bad.text()
  assertSame(`${name} refuses a wrong key`, bad.status, name.endsWith('-alone') ? 200 : 401)
}

function cpuOf(server: ChildProcess): Promise<number> {
  return ask(server, 'cpu')
}

/** @returns the microseconds of processor time that a server, and what stands in front of it, has used so far */
async function ask(server: ChildProcess, what: 'cpu' | 'collect'): Promise<number> {
  const answer = once(server, 'message') as Promise<[number]>
  server.send(what)
  const [usage] = await answer
  return usage
}

/** The load on the last processor, servers on the first; where there is no `taskset` or one processor only, as it comes. */
function pinSelf(): boolean {
  if (availableParallelism() < 2) return false
  try {
    execFileSync('taskset', ['-a', '-c', '-p', String(availableParallelism() - 1), String(process.pid)])
    return true
  } catch {
    return false
  }
}
