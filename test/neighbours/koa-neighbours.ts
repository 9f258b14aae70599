import { load, type Neighbour, type OtherAnswers } from './neighbour.ts'

const formsLost: OtherAnswers = {
  'JSON as a form (curl -d)': 503,
  'gzip as a form (RudderStack)': 503,
  'a form': 503,
}

export const koaNeighbours: Neighbour[] = [
  { name: '@koa/bodyparser', isParser: true, make: () => load('@koa/bodyparser').bodyParser() },
  {
    name: '@koa/bodyparser with patchNode',
    isParser: true,
    make: () => load('@koa/bodyparser').bodyParser({ patchNode: true }),
  },
  { name: 'koa-bodyparser', isParser: true, make: () => load('koa-bodyparser')() },
  {
    name: 'koa-bodyparser of text as well',
    isParser: true,
    make: () => load('koa-bodyparser')({ enableTypes: ['json', 'form', 'text'] }),
  },
  { name: 'koa-body', isParser: true, make: () => load('koa-body').koaBody(), inFront: formsLost },
  {
    name: 'koa-body with uploads',
    isParser: true,
    make: () => load('koa-body').koaBody({ multipart: true }),
    inFront: { ...formsLost, 'JSON as an upload': [400, 500, 503], 'an upload': 503 },
  },
  {
    name: 'koa-body 5',
    isParser: true,
    make: () => load('koa-body5')({ multipart: true }),
    inFront: { ...formsLost, 'JSON as an upload': [400, 500, 503], 'an upload': 503 },
  },
  { name: '@koa/cors', make: () => load('@koa/cors')() },
  { name: '@koa/cors with credentials', make: () => load('@koa/cors')({ credentials: true }) },
  { name: 'koa-helmet', make: () => load('koa-helmet')() },
  { name: 'koa-compress', make: () => load('koa-compress')({ threshold: 0 }) },
  { name: 'koa-logger', make: () => load('koa-logger')(() => undefined) },
  {
    name: 'koa-session',
    make: (app) => load('koa-session').createSession({ signed: false, renew: true }, app),
  },
]
