import type { IncomingMessage } from 'node:http'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import express5, { type RequestHandler } from 'express'
import express4 from 'express4'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { createWriteKeys, type WriteKeyEvent, type WriteKeysOptions } from '../../src/index.ts'
import { serve } from './served.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const body = JSON.stringify({ type: 'track', properties: { text: 'x'.repeat(200_000) } })

async function start(front: RequestHandler[], options: WriteKeysOptions = {}, express = express5) {
  const keys = createWriteKeys(options)
  const handled: unknown[] = []
  const app = express()
  if (front.length > 0) app.use(...front)
  app.use('/v1', writeKeyAuth(keys))
  app.use((req, res) => {
    handled.push(...writeKeyOf(req).events)
    res.json({})
  })
  const { url, close } = await serve(app)
  closers.push(close, () => void keys.close())
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
  const send = (
    sent: string | Uint8Array = body,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) =>
    fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, ...headers },
      body: sent,
    })
  return { send, handled }
}

/** Reads the body to its end, or one piece of it. */
const reader =
  (pieces: number): RequestHandler =>
  (req, _res, next) => {
    let left = pieces
    req.on('data', () => {
      if (--left > 0) return
      left = Number.POSITIVE_INFINITY
      req.pause()
      next()
    })
    req.on('end', () => {
      if (left !== Number.POSITIVE_INFINITY) next()
    })
  }

describe('a body that something in front has read', () => {
  it.each([
    ['Express 4, nested', express4 as unknown as typeof express5, true],
    ['Express 5, nested', express5, true],
    ['Express 5, flat', express5, false],
  ])('by a form parser for every type on %s is our fault, told once', async (_, express, extended) => {
    const told: WriteKeyEvent[] = []
    const front = express.urlencoded({ extended, type: '*/*' })
    const { send, handled } = await start([front], { onEvent: (event) => told.push(event) }, express)
    const sent: [string | Uint8Array, string][] = [
      ['\n[{"event":"x"}]', 'application/json'],
      ['[]', 'application/json'],
      [gzipSync('{"event":"Signed Up","userId":"42"}'), 'application/json'],
      ['event=x', 'text/plain'],
    ]
    for (const [text, type] of sent) expect((await send(text, { 'content-type': type })).status).toBe(503)
    expect(handled).toEqual([])
    const faults = told.filter((event) => event.type === 'internal_error')
    expect(faults.map(({ error }) => error.message)).toEqual([
      expect.stringContaining('express.urlencoded()'),
    ])
  })

  it.each([
    ['whole', reader(1_000_000)],
    ['in part', reader(1)],
  ])('%s, and not kept, is our fault, told once with the fix', async (_, front) => {
    const told: WriteKeyEvent[] = []
    const { send, handled } = await start([front], { onEvent: (event) => told.push(event) })
    for (let count = 0; count < 3; count++) {
      const answer = await send()
      expect(answer.status).toBe(503)
      expect(await answer.json()).toMatchObject({ code: 'store_unavailable' })
      expect(answer.headers.has('retry-after')).toBe(true)
    }
    expect(handled).toEqual([])
    const faults = told.filter((event) => event.type === 'internal_error')
    expect(faults).toHaveLength(1)
    expect(faults[0]?.error.message).toMatch(/has read a request body.*mount writeKeyAuth before it/)
  })

  it('as text is our fault where the text hides its bytes, told once, and read where it does not', async () => {
    const told: WriteKeyEvent[] = []
    const asText: RequestHandler = (req, _res, next) => {
      req.setEncoding('utf8')
      next()
    }
    const { send, handled } = await start([asText], { onEvent: (event) => told.push(event) })
    const gzip = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    for (let count = 0; count < 2; count++) expect((await send(gzipSync(body), gzip)).status).toBe(503)
    expect(handled).toEqual([])
    const faults = told.filter((event) => event.type === 'internal_error')
    expect(faults.map(({ error }) => error.message)).toEqual([expect.stringContaining('setEncoding()')])
    expect((await send('{"type":"track","event":"Größe"}')).status).toBe(200)
    expect(handled).toEqual([{ type: 'track', event: 'Größe' }])
  })

  it.each([
    ['rawBody', 'utf8'],
    ['body', 'utf8'],
    ['body', 'latin1'],
  ] as const)(
    'kept as text in %s (%s) is our fault where it was compressed, told once',
    async (place, encoding) => {
      const told: WriteKeyEvent[] = []
      const keepText: RequestHandler = (req, _res, next) => {
        const chunks: Buffer[] = []
        req.on('data', (chunk: Buffer) => chunks.push(chunk))
        req.on('end', () => {
          Object.assign(req, { [place]: Buffer.concat(chunks).toString(encoding) })
          next()
        })
      }
      const { send, handled } = await start([keepText], {
        onEvent: (event) => told.push(event),
        maxBodyBytes: 500,
      })
      // Its text is longer than the limit, though its bytes are not.
      const random = JSON.stringify({
        type: 'track',
        token: 'k3J9x_Qz-7Lm'.repeat(3),
        more: 'xyzw2V8sTq1BnH0aYc6Rd5'.repeat(9),
      })
      for (const [coding, sent] of [
        ['gzip', gzipSync('{"type":"track"}')],
        ['gzip', gzipSync(random)],
        ['br', brotliCompressSync('{"type":"track"}')],
        ['deflate', deflateSync('{"type":"track"}')],
      ] as const) {
        const answer = await send(sent, { 'content-encoding': coding })
        expect([coding, answer.status]).toEqual([coding, 503])
      }
      expect((await send(gzipSync('{}'), { 'content-encoding': 'compress' })).status).toBe(415)
      expect((await send('{"type"', { 'content-type': 'application/json' })).status).toBe(400)
      expect((await send('{"type":"track"}', { 'content-encoding': 'identity' })).status).toBe(200)
      expect(handled).toEqual([{ type: 'track' }])
      const faults = told.filter((event) => event.type === 'internal_error')
      expect(faults.map(({ error }) => error.message)).toEqual([expect.stringMatching(/compressed.*as text/)])
    },
  )

  it('kept as text by a parser that inflates is judged as what it is', async () => {
    const { send, handled } = await start([express5.text({ type: '*/*' })])
    const gzip = { 'content-encoding': 'gzip' }
    expect((await send(gzipSync('{"type":"track"}'), gzip)).status).toBe(200)
    expect((await send(gzipSync('no JSON'), gzip)).status).toBe(400)
    expect(handled).toEqual([{ type: 'track' }])
  })

  it('with a Content-Length above maxBodyBytes is too large, whatever a parser in front allows', async () => {
    const { send } = await start([express5.json({ limit: '1mb' })], { maxBodyBytes: 1_000 })
    expect((await send()).status).toBe(413)
    expect((await send('{"type":"track"}')).status).toBe(200)
  })

  it.each([
    [
      'reads all',
      (req: IncomingMessage) => {
        const chunks: Buffer[] = []
        for (let chunk = req.read(); chunk !== null; chunk = req.read()) chunks.push(chunk)
        return Buffer.concat(chunks).length
      },
    ],
    ['reads once', (req: IncomingMessage) => (req.read() as Buffer | null)?.length ?? 0],
    ['reads nothing', () => 0],
  ])('is read by us too when a listener to `readable` in front %s', async (what, read) => {
    const told: WriteKeyEvent[] = []
    let counted = 0
    const watch: RequestHandler = (req, _res, next) => {
      req.on('readable', () => {
        counted += read(req)
      })
      next()
    }
    const { send, handled } = await start([watch], { onEvent: (event) => told.push(event) })
    // The key is looked up for the first, and known for the others.
    for (const sent of [body, '{"type":"track"}', body]) {
      counted = 0
      const answer = await send(sent)
      expect([sent.length, answer.status]).toEqual([sent.length, 200])
      if (what === 'reads all') expect(counted).toBe(sent.length)
    }
    expect((await send(gzipSync(body), { 'content-encoding': 'gzip' })).status).toBe(200)
    expect(handled).toHaveLength(4)
    expect(told.filter(({ type }) => type === 'internal_error')).toEqual([])
  })

  it('is read when a parser of another type has left an empty object over it', async () => {
    const express = express4 as unknown as typeof express5
    const { send, handled } = await start([express4.json() as unknown as RequestHandler], {}, express)
    expect((await send(body, { 'content-type': 'text/plain' })).status).toBe(200)
    expect(handled).toEqual([JSON.parse(body)])
  })

  it('is nobody to be counted in front of: the counter gets all of it, and so do we', async () => {
    let counted = 0
    const counter: RequestHandler = (req, _res, next) => {
      req.on('data', (chunk: Buffer) => {
        counted += chunk.length
      })
      next()
    }
    const { send, handled } = await start([counter])
    for (let count = 1; count <= 3; count++) {
      expect((await send()).status).toBe(200)
      expect(counted).toBe(count * body.length)
    }
    expect(handled).toHaveLength(3)
  })
})

describe('what is told of a form parser in front', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const front = [express5.urlencoded({ extended: true })]

  it('goes to the logger once, as one warning that names the parser and the fix', async () => {
    const warnings: string[] = []
    const errors: string[] = []
    const logger = {
      warn: (_: object, message: string) => warnings.push(message),
      error: (_: object, message: string) => errors.push(message),
    }
    const { send, handled } = await start(front, { logger })
    for (let count = 0; count < 3; count++) expect((await send('{"type":"track"}', form)).status).toBe(503)
    expect((await send('type=track&event=Paid', form)).status).toBe(503)
    expect(handled).toEqual([])
    expect(errors).toEqual([])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/express\.urlencoded\(\).*mount writeKeyAuth before it/)
  })

  it('is one line on standard error where no logger is named', async () => {
    const written = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { send } = await start(front)
    expect((await send('{"type":"track"}', form)).status).toBe(503)
    await send('{"type":"track"}', form)
    const lines = written.mock.calls.map(([line]) => String(line))
    written.mockRestore()
    expect(lines).toEqual([expect.stringContaining('express.urlencoded()')])
    expect(lines[0]?.match(/express\.urlencoded/g)).toHaveLength(1)
  })

  it('is nothing while the key is wrong', async () => {
    const told: WriteKeyEvent[] = []
    const { send } = await start(front, { onEvent: (event) => told.push(event) })
    const answer = await send('{"type":"track"}', { ...form, authorization: `Basic ${btoa('sk_live_no:')}` })
    expect(answer.status).toBe(401)
    expect(told.map(({ type }) => type)).toEqual(['refused'])
  })

  it('does not keep text from being recovered that somebody has kept', async () => {
    const keep = (req: object, _: unknown, rawBody: Buffer) => {
      Object.assign(req, { rawBody })
    }
    const { send, handled } = await start([express5.urlencoded({ extended: true, verify: keep })])
    expect((await send('{"type":"track","n":"a&b=c"}', form)).status).toBe(200)
    expect(handled).toEqual([{ type: 'track', n: 'a&b=c' }])
  })
})
