import {
  headersFor,
  measureInTurn,
  reportThroughput,
  type Subject,
  trackRequest,
  warmUp,
  withSubjects,
} from './http-subjects.ts'
import { postRequest, runLoad } from './load.ts'
import { quantile, ratioOf, spreadOf } from './measurement.ts'
import { report } from './report.ts'

const server = 'http-server'
const rounds = 7
const connections = 32

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
  await withSubjects(server, names, async (subjects) => {
    const good = subjects['express-writekey'] as Subject
    const bad: Subject = { ...good, request: trackRequest(`${good.secret.slice(0, -1)}!`) }
    const badEmpty: Subject = {
      ...good,
      request: postRequest('/v1/track', headersFor(`${good.secret.slice(0, -1)}!`), ''),
    }
    const all = { ...subjects, bad, badEmpty }
    const series = await measureInTurn(all, { bad: 401, badEmpty: 401 })
    const row = (name: string, subject: string, peer: string, goal?: { atLeast: number }) =>
      reportThroughput(`Express: ${name}`, series, subject, peer, goal)
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
  await withSubjects(server, ['koa-alone', 'koa-writekey', 'koa-stack'], async (subjects) => {
    const series = await measureInTurn(subjects)
    reportThroughput('Koa: writekey / @koa/bodyparser alone', series, 'koa-writekey', 'koa-alone', {
      atLeast: 1,
    })
    reportThroughput(
      'Koa: writekey / @koa/cors + basic-auth + koa-ratelimit + bodyparser',
      series,
      'koa-writekey',
      'koa-stack',
    )
  })
}

/** At 70 % of what the protected endpoint can do, so that both are asked the same. */
async function latency(): Promise<void> {
  await withSubjects(server, ['express-alone', 'express-writekey'], async (subjects) => {
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
