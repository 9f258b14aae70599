import { load, type Neighbour, type OtherAnswers } from './neighbour.ts'

/** What comes in as a form is gone when a form parser in front has taken it. */
const formsLost: OtherAnswers = {
  'JSON as a form (curl -d)': 503,
  'gzip as a form (RudderStack)': 503,
  'a form': 503,
}
/** Its own refusal, or ours: multer and its like fail over what is no upload. */
const uploadsLost: OtherAnswers = { 'JSON as an upload': [400, 500, 503], 'an upload': 503 }
const silent = { write: () => true }

/** Parsers of the Express that an app runs on, and of the other major. */
export const parsers = (express: { json(o?: object): unknown }): Neighbour[] => {
  const { json, urlencoded, text, raw } = express as Record<string, (options?: object) => unknown> & {
    json(o?: object): unknown
  }
  const neighbours: Neighbour[] = [
    { name: 'express.json()', make: () => json() },
    {
      name: 'express.json() of every type',
      make: () => json({ type: () => true }),
      inFront: { ...formsLost, 'an upload': [400, 503], 'a form': 400, 'JSON as an upload': 503 },
    },
    { name: 'express.urlencoded()', make: () => urlencoded?.({ extended: true }), inFront: formsLost },
    {
      name: 'express.urlencoded() of every type',
      make: () => urlencoded?.({ extended: true, type: '*/*' }),
      inFront: {
        ...formsLost,
        JSON: 503,
        'JSON in chunks': 503,
        'JSON as text': 503,
        'JSON as an upload': 503,
        'gzip in chunks': 503,
        'a large batch': 503,
        'an upload': 503,
        'no JSON': 503,
      },
    },
    { name: 'express.text() of every type', make: () => text?.({ type: '*/*' }) },
    { name: 'express.raw() of every type', make: () => raw?.({ type: () => true }) },
  ]
  return neighbours.map((neighbour) => ({ ...neighbour, isParser: true }))
}

export const expressNeighbours: Neighbour[] = [
  { name: 'body-parser 1, JSON', isParser: true, make: () => load('body-parser1').json() },
  { name: 'body-parser 2, JSON', isParser: true, make: () => load('body-parser').json() },
  {
    name: 'body-parser 1, forms without qs',
    isParser: true,
    make: () => load('body-parser1').urlencoded({ extended: false }),
    inFront: formsLost,
  },
  {
    name: 'body-parser 2, forms without qs',
    isParser: true,
    make: () => load('body-parser').urlencoded({ extended: false }),
    inFront: formsLost,
  },
  { name: 'multer', isParser: true, make: () => load('multer')().none(), inFront: uploadsLost },
  {
    name: 'express-fileupload',
    isParser: true,
    make: () => load('express-fileupload')(),
    inFront: uploadsLost,
  },
  { name: 'cors', make: () => load('cors')() },
  { name: 'cors with credentials', make: () => load('cors')({ origin: true, credentials: true }) },
  { name: 'helmet', make: () => load('helmet')() },
  { name: 'compression', make: () => load('compression')({ threshold: 0 }) },
  {
    name: 'express-session',
    make: () => load('express-session')({ secret: 's', resave: true, saveUninitialized: true }),
  },
  { name: 'cookie-session', make: () => load('cookie-session')({ keys: ['k'] }) },
  { name: 'cookie-parser', make: () => load('cookie-parser')() },
  { name: 'method-override', make: () => load('method-override')() },
  { name: 'morgan', make: () => load('morgan')('combined', { stream: silent }) },
  { name: 'pino-http', make: () => load('pino-http')({}, silent) },
  { name: 'express-rate-limit', make: () => load('express-rate-limit').rateLimit({ limit: 1_000 }) },
  { name: 'express-slow-down', make: () => load('express-slow-down').slowDown({ delayAfter: 1_000 }) },
  { name: 'response-time', make: () => load('response-time')() },
  { name: 'connect-timeout', make: () => load('connect-timeout')('5s') },
  { name: 'passport', make: () => load('passport').initialize() },
]
