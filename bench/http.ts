import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { ServerReady } from './http-server.ts'
import { type LoadResult, postRequest, runLoad } from './load.ts'
import { quantile, ratioOf, spreadOf } from './measurement.ts'
import { assertSame, report } from './report.ts'
import { basicCredential, trackEvent } from './sample.ts'

const rounds = 7
const roundMs = 500
/** A server runs at full speed only once its code has been compiled, which takes requests and not time. */
const warmUpRequests = 6_000
const longestWarmUpMs = 6_000
const connections = 32

interface Subject extends ServerReady {
  process: ChildProcess
  request: Buffer
}

/** Requests per second, and processor time of the server per request in microseconds, by round. */
interface Series {
  perSecond: number[]
  cpuUs: number[]
}

const isPinned = pinSelf()
await express()
await koa()
await latency()

async function express(): Promise<void> {
  const names = [
    'express-alone',
    'express-writekey',
    'express-writekey-behind-json',
    'express-stack',
    'express-flexible',
  ]
  await withSubjects(names, async (subjects) => {
    const good = subjects['express-writekey'] as Subject
    const bad: Subject = { ...good, request: trackRequest(`${good.secret.slice(0, -1)}!`) }
    const badEmpty: Subject = {
      ...good,
      request: postRequest('/v1/track', headersFor(`${good.secret.slice(0, -1)}!`), ''),
    }
    const all = { ...subjects, bad, badEmpty }
    const series = await measure(all, { bad: 401, badEmpty: 401 })
    const row = (name: string, subject: string, peer: string, goal?: { atLeast: number }) =>
      reportRatio(`Express: ${name}`, series, subject, peer, goal)
    row('writekey / express.json() alone', 'express-writekey', 'express-alone', { atLeast: 1.1 })
    row(
      'writekey behind express.json() / express.json() alone',
      'express-writekey-behind-json',
      'express-alone',
    )
    row('writekey / cors + basic-auth + express-rate-limit + json', 'express-writekey', 'express-stack', {
      atLeast: 1.5,
    })
    row('writekey / cors + basic-auth + rate-limiter-flexible + json', 'express-writekey', 'express-flexible')
    row('refused without a body / accepted', 'badEmpty', 'express-writekey', { atLeast: 1.5 })
    row('refused with a body, which closes / accepted', 'bad', 'express-writekey', { atLeast: 1.5 })
  })
}

async function koa(): Promise<void> {
  await withSubjects(['koa-alone', 'koa-writekey', 'koa-stack'], async (subjects) => {
    const series = await measure(subjects)
    reportRatio('Koa: writekey / @koa/bodyparser alone', series, 'koa-writekey', 'koa-alone', { atLeast: 1 })
    reportRatio(
      'Koa: writekey / @koa/cors + basic-auth + koa-ratelimit + bodyparser',
      series,
      'koa-writekey',
      'koa-stack',
    )
  })
}

/** At 70 % of what the protected endpoint can do, so that both are asked the same. */
async function latency(): Promise<void> {
  await withSubjects(['express-alone', 'express-writekey'], async (subjects) => {
    const { 'express-writekey': subject, 'express-alone': peer } = subjects as Record<string, Subject>
    if (subject === undefined || peer === undefined) return
    const p99 = async (of: Subject, perSecond: number) => {
      const { latencies } = await runLoad({ ...of, connections, durationMs: 1_200, perSecond })
      return quantile(
        latencies.sort((a, b) => a - b),
        0.99,
      )
    }
    for (const one of [subject, peer]) await warmUp(one)
    const peak = await runLoad({ ...subject, connections, durationMs: 1_000 })
    const perSecond = 0.7 * (peak.answered / peak.seconds)
    const times = { subject: [] as number[], peer: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      times.subject.push(await p99(subject, perSecond))
      times.peer.push(await p99(peer, perSecond))
    }
    report({
      name: 'Express: p99 at 70 % of the peak, writekey / express.json() alone',
      value: ratioOf(times.subject, times.peer),
      goal: { atMost: 1.15 },
      note: `${spreadOf(times.subject).median.toFixed(2)} ms against ${spreadOf(times.peer).median.toFixed(2)} ms at ${Math.round(perSecond)}/s`,
    })
  })
}

async function measure(
  subjects: Record<string, Subject>,
  expected: Record<string, number> = {},
): Promise<Record<string, Series>> {
  const series: Record<string, Series> = {}
  const names = Object.keys(subjects)
  const ask = async (name: string, durationMs: number) => {
    const result = await runLoad({ ...(subjects[name] as Subject), connections, durationMs })
    assertSame(`${name} answers`, Object.keys(result.statuses), [String(expected[name] ?? 200)])
    return result
  }
  for (const name of names) {
    await warmUp(subjects[name] as Subject)
    series[name] = { perSecond: [], cpuUs: [] }
  }
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + round) % names.length] as string
      const server = (subjects[name] as Subject).process
      const before = await cpuOf(server)
      const result = await ask(name, roundMs)
      const spent = (await cpuOf(server)) - before
      addRound(series[name] as Series, result, spent)
    }
  }
  return series
}

async function warmUp(subject: Subject): Promise<void> {
  const end = performance.now() + longestWarmUpMs
  for (let answered = 0; answered < warmUpRequests && performance.now() < end; ) {
    answered += (await runLoad({ ...subject, connections, durationMs: 250 })).answered
  }
}

function addRound(series: Series, { answered, seconds }: LoadResult, cpuUs: number): void {
  series.perSecond.push(answered / seconds)
  series.cpuUs.push(cpuUs / answered)
}

function reportRatio(
  name: string,
  series: Record<string, Series>,
  subject: string,
  peer: string,
  goal?: { atLeast: number },
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

/** Starts each subject in a process of its own, checks that all give the same answer, and ends them afterwards. */
async function withSubjects(
  names: readonly string[],
  use: (subjects: Record<string, Subject>) => Promise<void>,
): Promise<void> {
  const subjects: Record<string, Subject> = {}
  try {
    for (const name of names) subjects[name] = await start(name)
    for (const name of names) await assertAnswers(name, subjects[name] as Subject)
    await use(subjects)
  } finally {
    for (const { process } of Object.values(subjects)) process.kill()
  }
}

async function start(name: string): Promise<Subject> {
  const file = fileURLToPath(new URL('./http-server.js', import.meta.url))
  const command = [process.execPath, file, name]
  const [program, ...args] = isPinned ? ['taskset', '-c', '0', ...command] : command
  const child = spawn(program as string, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const [ready] = (await once(child, 'message')) as [ServerReady]
  return { ...ready, process: child, request: trackRequest(ready.secret) }
}

async function assertAnswers(name: string, { port, secret }: Subject): Promise<void> {
  const ask = (user: string) =>
    fetch(`http://127.0.0.1:${port}/v1/track`, {
      method: 'POST',
      headers: headersFor(user),
      body: JSON.stringify(trackEvent()),
    })
  const good = await ask(secret)
  assertSame(
    `${name} accepts`,
    [good.status, await good.json()],
    [200, { success: true, event: 'Order Completed' }],
  )
  const bad = await ask(`${secret.slice(0, -1)}!`)
  await bad.text()
  assertSame(`${name} refuses a wrong key`, bad.status, name.endsWith('-alone') ? 200 : 401)
}

function trackRequest(secret: string): Buffer {
  return postRequest('/v1/track', headersFor(secret), JSON.stringify(trackEvent()))
}

function headersFor(secret: string): Record<string, string> {
  return {
    authorization: basicCredential(secret),
    'content-type': 'application/json',
    'user-agent': 'sample/1.0',
    accept: '*/*',
    origin: 'https://app.example.com',
  }
}

/** Microseconds of processor time that a server has used so far. */
async function cpuOf(server: ChildProcess): Promise<number> {
  const answer = once(server, 'message') as Promise<[NodeJS.CpuUsage]>
  server.send('cpu')
  const [usage] = await answer
  return usage.user + usage.system
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
