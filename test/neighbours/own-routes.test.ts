import express5 from 'express'
import express4 from 'express4'
import Koa3 from 'koa'
import { writeKeyAuth as onExpress, writeKeyOf } from '../../adapters/express.ts'
import { writeKeyAuth as onKoa } from '../../adapters/koa.ts'
import { aroundContract } from './around.ts'
import { load } from './neighbour.ts'

const event = { type: 'object', properties: { type: { type: 'string' }, batch: { type: 'array' } } }
const operation = {
  requestBody: { required: true, content: { 'application/json': { schema: event } } },
  responses: { default: { description: 'Whatever comes' } },
}
const get = { responses: operation.responses }

aroundContract('express-openapi-validator behind', (keys, handled) => {
  const app = express5()
  app.use('/v1', onExpress(keys))
  const apiSpec = {
    openapi: '3.0.3',
    info: { title: 'Ingest', version: '1' },
    paths: { '/v1/track': { post: operation, get }, '/v1/batch': { post: operation } },
  }
  app.use(load('express-openapi-validator').middleware({ apiSpec, validateSecurity: false }))
  app.use('/v1', (req, res) => {
    handled.push({ events: writeKeyOf(req).events, body: req.body })
    res.json({})
  })
  return { listener: app }
})

// It sets req.query, which Express 5 does not let it.
aroundContract('hpp and method-override in front, parsers behind, on Express 4', (keys, handled) => {
  const app = (express4 as unknown as typeof express5)()
  app.use(load('hpp')(), load('method-override')('X-HTTP-Method-Override'))
  app.use('/v1', onExpress(keys), express4.json() as unknown as express5.RequestHandler)
  app.use('/v1', (req, res) => {
    handled.push({ events: writeKeyOf(req).events, body: req.body })
    res.json({})
  })
  return { listener: app }
})

aroundContract('koa-mount, with a parser in the mounted app', (keys, handled) => {
  const inner = new Koa3()
  inner.use(onKoa(keys)).use(load('koa-body').koaBody({ multipart: true }))
  inner.use((ctx) => {
    handled.push({ events: ctx.state.writeKey.events, body: ctx.request.body })
    ctx.body = {}
  })
  const app = new Koa3()
  app.silent = true
  app.use(load('koa-mount')('/v1', inner))
  return { listener: app.callback() }
})
