import 'reflect-metadata'
import Router, { type RouterOptions } from '@koa/router'
import { Controller, Module, Param, Post, Req, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express5 from 'express'
import express4 from 'express4'
import fastify, { type FastifyServerOptions } from 'fastify'
import Koa from 'koa'
import { writeKeyAuth, writeKeyOf } from '../../../adapters/express.ts'
import { writeKeyAuth as koaWriteKeyAuth } from '../../../adapters/koa.ts'
import { WriteKeyGuard, WriteKeyModule } from '../../../adapters/nestjs/index.ts'
import { toIngestRequest } from '../../../src/adapter/index.ts'
import type { WriteKeyContext, WriteKeys } from '../../../src/index.ts'
import { serve } from '../../neighbours/served.ts'
import { spellings } from './target-grammar.ts'

/** What a handler says of the request that reached it. */
export interface Reached {
  /** The type of the route that the framework took; null = each event says its own. */
  handler: string | null
  /** The type that the events were judged by. */
  judged: string | null
}

interface TargetServer {
  url: string
  close(): unknown
}

/** Starts a server whose routes say types: one for each spelling below `/v1`, and one with the type as a parameter. */
export type StartTargetServer = (keys: WriteKeys) => Promise<TargetServer>

/** What a handler makes of the last parameter, in whatever case it compares. Some routers leave it empty before a final slash. */
function typeOfParameters({ first = '', last = '' }: { first?: string; last?: string }): string | null {
  const text = last === '' ? first : last
  const cases = [text, text.toLowerCase(), text.toUpperCase().toLowerCase()]
  return (
    cases.map((name) => (Object.hasOwn(spellings, name) ? spellings[name] : undefined)).find(Boolean) ?? null
  )
}

const routes = Object.entries(spellings)

function onExpress(
  express: typeof express5,
  options: { caseSensitive?: boolean; strict?: boolean },
): StartTargetServer {
  return async (keys) => {
    const app = express()
    const router = express.Router(options)
    for (const [name, type] of routes)
      router.post(`/${name}`, (req, res) => void res.json(reached(type, writeKeyOf(req))))
    router.post(['/:last', '/:first/:last'], (req, res) => {
      res.json(reached(typeOfParameters(req.params), writeKeyOf(req)))
    })
    app.use(writeKeyAuth(keys))
    app.use('/v1', router)
    return serve(app)
  }
}

function onKoa(options: RouterOptions): StartTargetServer {
  return async (keys) => {
    const app = new Koa()
    app.silent = true
    const router = new Router({ ...options, prefix: '/v1' })
    for (const [name, type] of routes) {
      router.post(`/${name}`, (ctx) => {
        ctx.body = reached(type, ctx.state.writeKey)
      })
    }
    for (const path of ['/:last', '/:first/:last']) {
      router.post(path, (ctx) => {
        ctx.body = reached(typeOfParameters(ctx.params), ctx.state.writeKey)
      })
    }
    app.use(koaWriteKeyAuth(keys)).use(router.routes())
    return serve(app.callback())
  }
}

function onFastify(options: FastifyServerOptions): StartTargetServer {
  return async (keys) => {
    const app = fastify(options)
    const contexts = new WeakMap<object, WriteKeyContext['eventType']>()
    app.addHook('preHandler', async (request, reply) => {
      const verdict = await keys.verify(
        toIngestRequest(request.raw, { url: request.originalUrl, parsed: request as { body?: unknown } }),
      )
      if (!verdict.ok) return reply.code(verdict.reply.status).send(verdict.reply.body)
      contexts.set(request, verdict.eventType)
    })
    const judged = (request: object) => ({ eventType: contexts.get(request) ?? null })
    for (const [name, type] of routes)
      app.post(`/v1/${name}`, async (request) => reached(type, judged(request)))
    for (const path of ['/v1/:last', '/v1/:first/:last']) {
      app.post(path, async (request) => {
        return reached(typeOfParameters(request.params as { last?: string }), judged(request))
      })
    }
    await app.listen({ port: 0, host: '127.0.0.1' })
    const address = app.addresses()[0]
    return { url: `http://127.0.0.1:${address?.port}`, close: () => app.close() }
  }
}

function onNest(createAdapter: () => ExpressAdapter | FastifyAdapter): StartTargetServer {
  return async (keys) => {
    @Controller('v1')
    @UseGuards(WriteKeyGuard)
    class TypeController {
      @Post([':last', ':first/:last'])
      parameter(@Param() parameters: { last?: string }, @Req() request: { writeKey: WriteKeyContext }) {
        return reached(typeOfParameters(parameters), request.writeKey)
      }
    }

    /** A class for each spelling, as routes are found by the methods of classes. */
    function controllerOf(name: string, type: string | null) {
      @Controller('v1')
      @UseGuards(WriteKeyGuard)
      class SpellingController {
        @Post(name)
        handle(@Req() request: { writeKey: WriteKeyContext }) {
          return reached(type, request.writeKey)
        }
      }
      return SpellingController
    }

    @Module({
      imports: [WriteKeyModule.forRoot({ keys })],
      controllers: [...routes.map(([name, type]) => controllerOf(name, type)), TypeController],
    })
    class AppModule {}

    const app = await NestFactory.create(AppModule, createAdapter(), { logger: false })
    await app.listen(0, '127.0.0.1')
    return { url: await app.getUrl(), close: () => app.close() }
  }
}

function reached(handler: string | null, { eventType }: Pick<WriteKeyContext, 'eventType'>): Reached {
  return { handler, judged: eventType }
}

/** Known to the router; Fastify's types leave the last one out. */
const lenient = {
  caseSensitive: false,
  ignoreTrailingSlash: true,
  ignoreDuplicateSlashes: true,
  useSemicolonDelimiter: true,
} as NonNullable<FastifyServerOptions['routerOptions']>

const older = express4 as unknown as typeof express5

/** Every router, with the options that change how it reads a path. */
export const targetServers: readonly (readonly [string, StartTargetServer])[] = [
  ['Express 5', onExpress(express5, {})],
  ['Express 5, case-sensitive and strict', onExpress(express5, { caseSensitive: true, strict: true })],
  ['Express 4', onExpress(older, {})],
  ['Express 4, case-sensitive and strict', onExpress(older, { caseSensitive: true, strict: true })],
  ['Koa 3 with @koa/router', onKoa({})],
  ['Koa 3 with @koa/router, sensitive and strict', onKoa({ sensitive: true, strict: true })],
  ['Nest on Express', onNest(() => new ExpressAdapter())],
  ['Nest on Fastify', onNest(() => new FastifyAdapter())],
  [
    'Nest on Fastify, which ignores case, slashes and what is behind semicolons',
    onNest(
      () =>
        new FastifyAdapter({
          routerOptions: lenient,
        }),
    ),
  ],
  ['Fastify', onFastify({})],
  [
    'Fastify, which ignores case, slashes and what is behind semicolons',
    onFastify({
      routerOptions: lenient,
    }),
  ],
]
