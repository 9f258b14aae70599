import { once } from 'node:events'
import { type IncomingMessage, type RequestListener, request as sendRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys, type IngestEvent, type WriteKeyEvent, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'
import { apps, type CreateApp } from './ingest-apps.ts'

const closers: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closers.splice(0)) await close()
})

const signedUp = { event: 'Signed Up', userId: '42' }

interface Sent {
  method?: string
  path: string
  headers?: Record<string, string>
  body?: unknown
}

const asForm = { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip' }
const fromPage = { origin: 'https://app.example.com' }
const preflight = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'x-retry-count',
}

/** `KEY` is the key, `BASIC` the header that presents it. Events whose name is `fail` make `onEvents` fail. */
const requests: Readonly<Record<string, Sent>> = {
  'a track call': { path: '/in/v1/track', headers: { authorization: 'BASIC' }, body: signedUp },
  'a batch in gzip, labelled as a form': {
    path: '/in/v1/batch',
    headers: { authorization: 'BASIC', ...asForm },
    body: { batch: [{ type: 'page', name: 'Home' }] },
  },
  'a key in the body': {
    path: '/in/v1/t',
    headers: { 'content-type': 'text/plain', ...fromPage },
    body: { ...signedUp, writeKey: 'KEY' },
  },
  'a beacon': {
    path: '/in/beacon/v1/batch?writeKey=KEY',
    headers: { 'content-type': 'text/plain;charset=UTF-8', ...fromPage },
    body: { batch: [{ type: 'track', ...signedUp }] },
  },
  'events of Inngest': { path: '/in/e/KEY', body: [{ name: 'a', id: '1' }] },
  'an unknown key of Inngest': { path: '/in/e/sk_live_nobody', body: { name: 'a' } },
  'no key': { path: '/in/v1/track', body: signedUp },
  'no JSON': {
    path: '/in/v1/track',
    headers: { authorization: 'BASIC', 'content-type': 'text/plain' },
    body: '{',
  },
  'an empty body': { path: '/in/v1/track', headers: { authorization: 'BASIC' }, body: '' },
  'another type than the path says': {
    path: '/in/v1/track',
    headers: { authorization: 'BASIC' },
    body: { type: 'page' },
  },
  'an event that does not fit its schema': {
    path: '/in/v1/track',
    headers: { authorization: 'BASIC' },
    body: { event: 'Checked', properties: {} },
  },
  'a failing onEvents': {
    path: '/in/v1/track',
    headers: { authorization: 'BASIC' },
    body: { event: 'fail' },
  },
  'an event that is found wrong for good': {
    path: '/in/v1/track',
    headers: { authorization: 'BASIC', ...fromPage },
    body: { event: 'wrong' },
  },
  'a check': { method: 'GET', path: '/in/v1/check', headers: { authorization: 'BASIC' } },
  'a check of nothing': { method: 'HEAD', path: '/in/v1/check' },
  'a preflight': { method: 'OPTIONS', path: '/in/v1/track', headers: { ...fromPage, ...preflight } },
  'a check with a body': {
    method: 'GET',
    path: '/in/v1/check',
    headers: { authorization: 'BASIC', 'content-length': '2' },
    body: '{}',
  },
}

/** How a server keeps connections is its own. */
const ofTheServer = [
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'x-powered-by',
]

interface Answer {
  status: number
  headers: Record<string, unknown>
  body: string
}

async function send(
  url: string,
  key: string,
  { method = 'POST', path, headers = {}, body }: Sent,
): Promise<Answer> {
  const fill = (text: string) =>
    text.replaceAll('KEY', key).replaceAll('BASIC', `Basic ${Buffer.from(`${key}:`).toString('base64')}`)
  const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]))
  const sending = sendRequest(url + fill(path), {
    method,
    headers: { 'content-type': 'application/json', ...filled },
  })
  const text = typeof body === 'string' ? body : body === undefined ? undefined : fill(JSON.stringify(body))
  sending.end(text !== undefined && headers['content-encoding'] === 'gzip' ? gzipSync(text) : text)
  const [answer] = (await once(sending, 'response')) as [IncomingMessage]
  const kept = Object.entries(answer.headers).filter(([name]) => !ofTheServer.includes(name))
  return {
    status: answer.statusCode as number,
    headers: Object.fromEntries(kept.toSorted(([one], [other]) => (one < other ? -1 : 1))),
    body: (await buffer(answer)).toString('latin1'),
  }
}

/** What a guard has promised of the rate stands in a refusal behind it as well. */
function withoutRate(answer: Answer | undefined) {
  if (answer === undefined || answer.status < 400) return answer
  const kept = Object.entries(answer.headers).filter(([name]) => !/ratelimit/.test(name))
  return { ...answer, headers: Object.fromEntries(kept) }
}

const fits = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      Object.hasOwn(value as object, 'total') ? { value } : { issues: [{ message: '', path: ['total'] }] },
  },
} as const

async function start(createApp: CreateApp, wrap = (listener: RequestListener, _keys: WriteKeys) => listener) {
  const told: WriteKeyEvent[] = []
  // The time stands still, so that what is left of the rate is told alike.
  const keys = createWriteKeys({
    clock: () => 1_800_000_000_000,
    credentials: ['basic', 'body', 'query', { path: '/e/:key' }],
    logger: false,
    onEvent: (event) => told.push(event),
  })
  const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other', rateLimitEps: 1_000 })
  const arrived: IngestEvent[] = []
  const api = createIngestApi<IngestEvent>(keys, {
    schemas: { Checked: fits },
    onEvents(events) {
      if (events[0]?.event === 'fail') throw new Error('the queue is away')
      if (events[0]?.event === 'wrong') throw Object.assign(new Error('no such product'), { status: 422 })
      arrived.push(...events)
    },
  })
  const app = await createApp(api, (close) => closers.push(close))
  const { url, close } = await serve(wrap(app, keys))
  closers.push(close, () => keys.close())
  const answers: Record<string, Answer> = {}
  for (const [name, sent] of Object.entries(requests)) answers[name] = await send(url, key, sent)
  return { answers, arrived, told, usage: await keys.usage(writeKey.id) }
}

const decisions = (told: readonly WriteKeyEvent[]) =>
  told.flatMap((event) =>
    event.type === 'refused' ? event.reason : event.type === 'accepted' ? `accepted ${event.events}` : [],
  )

describe('ingestRoutes', async () => {
  const [[, first], ...others] = apps as [(typeof apps)[number], ...(typeof apps)[number][]]
  const expected = await start(first)

  it('accepts and refuses what the table says', () => {
    const statuses = Object.entries(expected.answers).map(([name, answer]) => [name, answer.status])
    expect(Object.fromEntries(statuses)).toEqual({
      'a track call': 200,
      'a batch in gzip, labelled as a form': 200,
      'a key in the body': 200,
      'a beacon': 200,
      'events of Inngest': 200,
      'an unknown key of Inngest': 401,
      'no key': 401,
      'no JSON': 400,
      'an empty body': 400,
      'another type than the path says': 400,
      'an event that does not fit its schema': 400,
      'a failing onEvents': 503,
      'an event that is found wrong for good': 400,
      'a check': 204,
      'a check of nothing': 401,
      'a preflight': 204,
      'a check with a body': 400,
    })
  })

  it.each(others)('on %s gives the same answers, byte for byte', async (_, createApp) => {
    const { answers, arrived, told } = await start(createApp)
    expect(answers).toEqual(expected.answers)
    expect(arrived).toEqual(expected.arrived)
    expect(decisions(told)).toEqual(decisions(expected.told))
  })

  // A web-standard handler never sees the request that the guard has let through.
  const guarded = apps.filter(([name]) => name !== 'fetch')

  it.each(guarded)(
    'on %s gives them behind guardListener too, read and charged once',
    async (_, createApp) => {
      const { answers, arrived, usage } = await start(createApp, (listener, keys) =>
        guardListener(listener, keys, { path: '/in' }),
      )
      for (const [name, answer] of Object.entries(expected.answers)) {
        // The guard knows no sender, so that its own refusal has nothing that one alone would read.
        if (name === 'an unknown key of Inngest') expect(answers[name]?.status).toBe(answer.status)
        else expect([name, withoutRate(answers[name])]).toEqual([name, withoutRate(answer)])
      }
      expect(arrived).toEqual(expected.arrived)
      expect(usage.accepted).toEqual(expected.usage.accepted)
      expect(usage.refused).toEqual(expected.usage.refused)
    },
  )
})
