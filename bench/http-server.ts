import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Store } from 'express-rate-limit'
import { createMemoryStore, createWriteKeys, type WriteKeysOptions } from '../src/index.ts'
import { type Front, startNginx } from './nginx-front.ts'
import { basicCredential, ruledKey, trackEvent } from './sample.ts'

/** What the part that starts this process is told. */
export interface ServerReady {
  port: number
  /** The write key, or the user name that the peer's Basic check accepts. */
  secret: string
}

const peerUser = 'sk_live_0123456789abcdefghijABCDEFGHIJ01abcdef'
const limit = 1_000_000_000
/** Stands in for a body that nobody has read. */
const idleBody = trackEvent()

interface App {
  app: RequestListener
  secret?: string
  /** Starts what stands in front of the server, which listens at `port`. */
  putInFront?: (port: number) => Promise<Front>
}

/** Every subject answers `POST /v1/track` with `{"success":true,"event":…}`, the name read from the parsed body. */
const subjects: Record<string, () => Promise<App>> = {
  /** What Express takes by itself: nobody can be faster. */
  'express-idle-alone': async () => {
    const { app } = await expressApp()
    app.use('/v1', (request, _response, next) => {
      request.body = idleBody
      next()
    })
    return { app: answer(app) }
  },
  'express-alone': async () => {
    const { app, express } = await expressApp()
    app.use('/v1', express.json())
    return { app: answer(app) }
  },
  'express-writekey': async () => {
    const { app } = await expressApp()
    const { writeKeyAuth } = await import('../adapters/express.ts')
    const { keys, secret } = await oneKey()
    app.use('/v1', writeKeyAuth(keys))
    return { app: answer(app), secret }
  },
  'express-guarded': async () => {
    const { app } = await expressApp()
    return guarded(answer(app))
  },
  'express-guarded-redis': async () => {
    const { app } = await expressApp()
    const { createRedisLimiter } = await import('../src/redis/index.ts')
    return guarded(answer(app), {
      limiter: createRedisLimiter({ client: await openRedis(), prefix: redisPrefix() }),
    })
  },
  'express-writekey-behind-json': async () => {
    const { app, express } = await expressApp()
    const { writeKeyAuth } = await import('../adapters/express.ts')
    const { keys, secret } = await oneKey()
    app.use('/v1', express.json(), writeKeyAuth(keys))
    return { app: answer(app), secret }
  },
  'express-writekey-redis': async () => {
    const { app } = await expressApp()
    const { writeKeyAuth } = await import('../adapters/express.ts')
    const { createRedisLimiter } = await import('../src/redis/index.ts')
    const { keys, secret } = await oneKey({
      limiter: createRedisLimiter({ client: await openRedis(), prefix: redisPrefix() }),
    })
    app.use('/v1', writeKeyAuth(keys))
    return { app: answer(app), secret }
  },
  'express-stack': () => expressStack(),
  'express-stack-redis': async () => {
    const { RedisStore } = await import('rate-limit-redis')
    const client = await openRedis()
    return expressStack(
      new RedisStore({ prefix: redisPrefix(), sendCommand: (...args: string[]) => client.sendCommand(args) }),
    )
  },
  'express-flexible': async () => {
    const { app, express } = await expressApp()
    const { default: cors } = await import('cors')
    const { RateLimiterMemory } = await import('rate-limiter-flexible')
    const { default: basicAuth } = await import('basic-auth')
    const known = new Set([peerUser])
    const limiter = new RateLimiterMemory({ points: limit, duration: 1 })
    app.use('/v1', cors())
    app.use('/v1', async (request, response, next) => {
      const user = basicAuth(request)?.name
      if (user === undefined || !known.has(user)) {
        response.status(401).end()
        return
      }
      const { remainingPoints } = await limiter.consume(user)
      response.set('x-ratelimit-remaining', String(remainingPoints))
      next()
    })
    app.use('/v1', express.json())
    return { app: answer(app) }
  },
  'express-nginx': async () => {
    const { app, express } = await expressApp()
    app.use('/v1', express.json())
    return { app: answer(app), putInFront: (port) => startNginx(port, basicCredential(peerUser)) }
  },
  'koa-idle-alone': async () => {
    const { default: Koa } = await import('koa')
    const app = new Koa()
    app.use((ctx, next) => {
      ;(ctx.request as { body?: unknown }).body = idleBody
      return next()
    })
    return { app: answerKoa(app) }
  },
  'koa-alone': async () => {
    const { default: Koa } = await import('koa')
    const { bodyParser } = await import('@koa/bodyparser')
    const app = new Koa()
    app.use(bodyParser())
    return { app: answerKoa(app) }
  },
  'koa-writekey': async () => {
    const { default: Koa } = await import('koa')
    const { writeKeyAuth } = await import('../adapters/koa.ts')
    const { keys, secret } = await oneKey()
    const app = new Koa()
    app.use(writeKeyAuth(keys))
    return { app: answerKoa(app), secret }
  },
  'koa-guarded': async () => {
    const { default: Koa } = await import('koa')
    const app = new Koa()
    app.use((ctx, next) => {
      const { body } = ctx.req as { body?: unknown }
      Object.assign(ctx.request, { body })
      return next()
    })
    return guarded(answerKoa(app))
  },
  'fastify-alone': () => fastifyApp(),
  'fastify-writekey': async () => {
    const { writeKeyAuth } = await import('../adapters/fastify.ts')
    const { keys, secret } = await oneKey()
    return { ...(await fastifyApp((app) => app.register(writeKeyAuth(keys)))), secret }
  },
  'fastify-guarded': async () => guarded((await fastifyApp()).app),
  'hono-alone': () => honoApp(),
  'hono-writekey': async () => {
    const { writeKeyAuth } = await import('../adapters/hono.ts')
    const { getConnInfo } = await import('@hono/node-server/conninfo')
    const { keys, secret } = await oneKey()
    const auth = writeKeyAuth(keys, { ip: (c) => getConnInfo(c).remote.address })
    return { ...(await honoApp((app) => app.use('/v1/*', auth))), secret }
  },
  'hono-stack': async () => {
    const { basicAuth } = await import('hono/basic-auth')
    const { bodyLimit } = await import('hono/body-limit')
    const { cors } = await import('hono/cors')
    const known = new Set([peerUser])
    return honoApp((app) => {
      app.use('/v1/*', cors())
      app.use('/v1/*', basicAuth({ verifyUser: (user) => known.has(user) }))
      app.use('/v1/*', bodyLimit({ maxSize: 4_000_000 }))
    })
  },
  'koa-stack': async () => {
    const { default: Koa } = await import('koa')
    const { bodyParser } = await import('@koa/bodyparser')
    const { default: cors } = await import('@koa/cors')
    const { default: ratelimit } = await import('koa-ratelimit')
    const { default: basicAuth } = await import('basic-auth')
    const known = new Set([peerUser])
    const app = new Koa()
    app.use(cors())
    app.use(async (ctx, next) => {
      const user = basicAuth(ctx.req)?.name
      if (user === undefined || !known.has(user)) {
        ctx.status = 401
        return
      }
      await next()
    })
    app.use(
      ratelimit({
        driver: 'memory',
        db: new Map(),
        duration: 1_000,
        max: limit,
        id: (ctx) => basicAuth(ctx.req)?.name ?? '',
      }),
    )
    app.use(bodyParser())
    return { app: answerKoa(app) }
  },
  'nest-alone': async () => {
    const { nestAlone } = await import('./nest-subjects.ts')
    return { app: await nestAlone() }
  },
  'nest-writekey': async () => {
    const { nestWithWriteKey } = await import('./nest-subjects.ts')
    const { keys, secret } = await oneKey()
    return { app: await nestWithWriteKey(keys), secret }
  },
  'nest-guarded': async () => {
    const { nestAlone } = await import('./nest-subjects.ts')
    return guarded(await nestAlone())
  },
  'nest-stack': async () => {
    const { nestWithThrottler } = await import('./nest-subjects.ts')
    return { app: await nestWithThrottler(peerUser, limit) }
  },
}

/** An app behind our guard on Node's own request. */
async function guarded(app: RequestListener, options: WriteKeysOptions = {}) {
  const { guardListener } = await import('../adapters/node.ts')
  const { keys, secret } = await oneKey(options)
  return { app: guardListener(app, keys, { path: '/v1' }), secret }
}

async function fastifyApp(prepare: (app: import('fastify').FastifyInstance) => unknown = () => {}) {
  const { default: Fastify } = await import('fastify')
  const app = Fastify()
  prepare(app)
  app.post('/v1/track', async (request) => {
    const { event } = request.body as { event?: unknown }
    return { success: true, event }
  })
  await app.ready()
  return { app: app.routing as unknown as RequestListener }
}

async function honoApp(prepare: (app: import('hono').Hono) => unknown = () => {}) {
  const { Hono } = await import('hono')
  const { getRequestListener } = await import('@hono/node-server')
  const app = new Hono()
  prepare(app)
  app.post('/v1/track', async (c) => {
    const { event } = await c.req.json()
    return c.json({ success: true, event })
  })
  return { app: getRequestListener(app.fetch) as RequestListener }
}

/** What one would combine instead. @param store where the limiter counts; in memory by default */
async function expressStack(store?: Store) {
  const { app, express } = await expressApp()
  const { default: cors } = await import('cors')
  const { rateLimit } = await import('express-rate-limit')
  const { default: basicAuth } = await import('basic-auth')
  const known = new Set([peerUser])
  app.use('/v1', cors())
  app.use('/v1', (request, response, next) => {
    const user = basicAuth(request)?.name
    if (user === undefined || !known.has(user)) response.status(401).end()
    else next()
  })
  app.use(
    '/v1',
    rateLimit({
      windowMs: 1_000,
      limit,
      legacyHeaders: true,
      standardHeaders: 'draft-8',
      keyGenerator: (request) => basicAuth(request)?.name ?? '',
      ...(store && { store }),
    }),
  )
  app.use('/v1', express.json())
  return { app: answer(app) }
}

async function openRedis() {
  const { createClient } = await import('redis')
  return createClient({ url: process.env.WRITEKEY_TEST_REDIS ?? 'redis://127.0.0.1:6379' }).connect()
}

function redisPrefix(): string {
  return `bench:${randomUUID()}:`
}

async function expressApp() {
  const { default: express } = await import('express')
  return { app: express(), express }
}

function answer(app: import('express').Express): RequestListener {
  app.post('/v1/track', (request, response) => {
    response.json({ success: true, event: request.body.event })
  })
  return app
}

function answerKoa(app: import('koa')): RequestListener {
  app.use((ctx) => {
    const { body } = ctx.request as { body?: { event?: unknown } }
    ctx.body = { success: true, event: body?.event }
  })
  return app.callback()
}

async function oneKey(options: WriteKeysOptions = {}) {
  const keys = createWriteKeys({ store: createMemoryStore(), ...options })
  const { key } = await keys.create(ruledKey)
  return { keys, secret: key }
}

const create = subjects[process.argv[2] ?? '']
if (create === undefined) throw new Error(`no such subject: ${process.argv[2]}`)
const { app, secret = peerUser, putInFront } = await create()
const server: Server = createServer(app)
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as { port: number }
  const front = await putInFront?.(port)
  process.on('exit', () => front?.end())
  process.on('message', (ask) => {
    if (ask === 'collect') (globalThis as { gc?: () => void }).gc?.()
    process.send?.(cpuUs() + (front?.cpuUs() ?? 0))
  })
  process.send?.({ port: front?.port ?? port, secret } satisfies ServerReady)
})
for (const end of ['disconnect', 'SIGTERM']) process.on(end, () => process.exit())

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
