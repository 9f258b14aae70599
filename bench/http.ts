import {
  headersFor,
  measureInTurn,
  reportThroughput,
  type Subject,
  trackRequest,
  withSubjects,
} from './http-subjects.ts'
import { reportLatency } from './latency.ts'
import { postRequest } from './load.ts'
import { hasNginx } from './nginx-front.ts'
import { report } from './report.ts'

const server = 'http-server'

await express()
await koa()
await nest()
await fastify()
await hono()
await latency()

async function express(): Promise<void> {
  const names = [
    'express-alone',
    'express-writekey',
    'express-guarded',
    'express-writekey-behind-json',
    'express-stack',
    'express-flexible',
    'express-idle-alone',
    ...(hasNginx() ? ['express-nginx'] : []),
  ]
  await withSubjects(server, names, async (subjects) => {
    const good = subjects['express-guarded'] as Subject
    const bad: Subject = { ...good, request: trackRequest(`${good.secret.slice(0, -1)}!`) }
    const badEmpty: Subject = {
      ...good,
      request: postRequest('/v1/track', headersFor(`${good.secret.slice(0, -1)}!`), ''),
    }
    const all = { ...subjects, bad, badEmpty }
    const series = await measureInTurn(all, { bad: 401, badEmpty: 401 })
    const row = (name: string, subject: string, peer: string, goal?: { atLeast: number }) =>
      reportThroughput(`Express: ${name}`, series, subject, peer, goal)
    row('guardListener / express.json() alone', 'express-guarded', 'express-alone', { atLeast: 1.1 })
    row('writeKeyAuth / express.json() alone', 'express-writekey', 'express-alone', { atLeast: 1 })
    row(
      'writekey behind express.json() / express.json() alone',
      'express-writekey-behind-json',
      'express-alone',
    )
    row('guardListener / cors + basic-auth + express-rate-limit + json', 'express-guarded', 'express-stack', {
      atLeast: 1.5,
    })
    row('writeKeyAuth / cors + basic-auth + express-rate-limit + json', 'express-writekey', 'express-stack')
    row('writekey / cors + basic-auth + rate-limiter-flexible + json', 'express-writekey', 'express-flexible')
    row(
      'no check and no body read, which is the most there is / that stack',
      'express-idle-alone',
      'express-stack',
    )
    nginxRow(row)
    row('guardListener, refused without a body / accepted', 'badEmpty', 'express-guarded', { atLeast: 3 })
    row('guardListener, refused with a small body / accepted', 'bad', 'express-guarded', { atLeast: 3 })
  })
}

function nginxRow(row: (name: string, subject: string, peer: string) => void): void {
  const name = 'guardListener / nginx with Basic by map, limit_req and CORS, in front of express.json()'
  if (hasNginx()) row(name, 'express-guarded', 'express-nginx')
  else report({ name: `Express: ${name}`, note: 'not measured: nginx is not installed' })
}

async function koa(): Promise<void> {
  await withSubjects(
    server,
    ['koa-alone', 'koa-writekey', 'koa-guarded', 'koa-stack', 'koa-idle-alone'],
    async (subjects) => {
      const series = await measureInTurn(subjects)
      reportThroughput('Koa: writekey / @koa/bodyparser alone', series, 'koa-writekey', 'koa-alone', {
        atLeast: 1,
      })
      reportThroughput('Koa: guardListener / @koa/bodyparser alone', series, 'koa-guarded', 'koa-alone')
      reportThroughput(
        'Koa: writekey / @koa/cors + basic-auth + koa-ratelimit + bodyparser',
        series,
        'koa-writekey',
        'koa-stack',
      )
      reportThroughput(
        'Koa: no check and no body read, which is the most there is / @koa/bodyparser alone',
        series,
        'koa-idle-alone',
        'koa-alone',
      )
    },
  )
}

async function nest(): Promise<void> {
  await withSubjects(
    server,
    ['nest-alone', 'nest-writekey', 'nest-guarded', 'nest-stack'],
    async (subjects) => {
      const series = await measureInTurn(subjects)
      reportThroughput('Nest: writekey / Nest alone', series, 'nest-writekey', 'nest-alone', {
        atLeast: 0.95,
      })
      reportThroughput('Nest: guardListener / Nest alone', series, 'nest-guarded', 'nest-alone')
      reportThroughput(
        'Nest: writekey / cors + basic-auth + @nestjs/throttler',
        series,
        'nest-writekey',
        'nest-stack',
      )
    },
  )
}

async function fastify(): Promise<void> {
  await withSubjects(server, ['fastify-alone', 'fastify-writekey', 'fastify-guarded'], async (subjects) => {
    const series = await measureInTurn(subjects)
    reportThroughput('Fastify: writekey / Fastify alone', series, 'fastify-writekey', 'fastify-alone', {
      atLeast: 0.95,
    })
    reportThroughput('Fastify: guardListener / Fastify alone', series, 'fastify-guarded', 'fastify-alone')
  })
}

async function hono(): Promise<void> {
  await withSubjects(server, ['hono-alone', 'hono-writekey', 'hono-stack'], async (subjects) => {
    const series = await measureInTurn(subjects)
    reportThroughput('Hono: writekey / Hono alone', series, 'hono-writekey', 'hono-alone', { atLeast: 0.95 })
    reportThroughput('Hono: writekey / cors + basic-auth + body-limit', series, 'hono-writekey', 'hono-stack')
  })
}

async function latency(): Promise<void> {
  await withSubjects(server, ['express-alone', 'express-writekey'], async (subjects) => {
    const { 'express-writekey': subject, 'express-alone': peer } = subjects as Record<string, Subject>
    if (subject === undefined || peer === undefined) return
    await reportLatency('Express: writekey / express.json() alone', subject, peer)
  })
}
