import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import express from 'express'
import { describe, expect, it, vi } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import {
  createWriteKeys,
  type IngestRequest,
  type ReadBody,
  type Verdict,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

/** A body of which some has come and is kept, until it is told how it goes on. */
function arriving(bytes: number) {
  let finish: (how: 'whole' | 'aborted' | 'broken') => void = () => {}
  const rest = new Promise<string>((resolve, reject) => {
    finish = (how) => {
      if (how === 'whole') resolve('{}'.padEnd(bytes))
      else if (how === 'aborted') reject(Object.assign(new Error('gone'), { code: 'client_aborted' }))
      else reject(new Error('disk full'))
    }
  })
  const read: ReadBody = (_, hold) => (hold?.(bytes) === false ? null : rest)
  return { read, finish }
}

async function start(options: WriteKeysOptions = {}) {
  const keys = createWriteKeys({ maxPendingBodyBytes: 1_000, ...options })
  const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
  const authorization = basic(key)
  const send = (body: unknown, request: Partial<IngestRequest> = {}): Promise<Verdict> =>
    keys.verify({ method: 'POST', path: '/v1/batch', headers: { authorization }, body, ...request })
  return { keys, key, send }
}

const reasonOf = (verdict: Verdict) => (verdict.ok ? 'accepted' : verdict.reason)

describe('bodies under way together', () => {
  it('are refused as busy where there is no room, and taken again when there is', async () => {
    const { send } = await start()
    const [one, other] = [arriving(600), arriving(400)]
    const verdicts = [send(one.read), send(other.read)]
    const refused = await send(arriving(1).read)
    expect(refused).toMatchObject({
      reason: 'busy',
      reply: { status: 503, headers: { 'retry-after': '5' }, body: expect.stringContaining('"code":"busy"') },
    })
    other.finish('whole')
    expect((await verdicts[1])?.ok).toBe(true)
    expect(reasonOf(await send(() => '{}'.padEnd(401)))).toBe('busy')
    expect(reasonOf(await send(() => '{}'.padEnd(400)))).toBe('accepted')
    one.finish('whole')
    expect((await verdicts[0])?.ok).toBe(true)
    expect(reasonOf(await send(() => '{}'.padEnd(1_000)))).toBe('accepted')
  })

  it.each(['whole', 'aborted', 'broken'] as const)('leave nothing behind when one is %s', async (how) => {
    const { send } = await start()
    for (let round = 0; round < 5; round++) {
      const body = arriving(1_000)
      const verdict = send(body.read)
      body.finish(how)
      const expected = { whole: 'accepted', aborted: 'client_aborted', broken: 'internal_error' }
      expect(reasonOf(await verdict)).toBe(expected[how])
    }
    expect(reasonOf(await send(() => '{}'.padEnd(1_000)))).toBe('accepted')
  })

  it('leave nothing behind when they are refused for what is in them', async () => {
    const { send } = await start({ maxBodyBytes: 900, maxEvents: 2 })
    const bodies: (() => string | Uint8Array)[] = [
      () => '{'.padEnd(900),
      () => '[{},{},{}]'.padEnd(900),
      () => '{}'.padEnd(901),
      () => '[]'.padEnd(900),
    ]
    for (const body of bodies) expect((await send(body)).ok).toBe(false)
    expect((await send(() => gzipSync('x'.repeat(5_000)), { headers: {} })).ok).toBe(false)
    expect(reasonOf(await send(() => '{}'.padEnd(900)))).toBe('accepted')
  })

  it('count as they are inflated', async () => {
    const { keys, key } = await start()
    const headers = { authorization: basic(key), 'content-encoding': 'gzip' }
    const send = (size: number) =>
      keys.verify({ method: 'POST', path: '/', headers, body: () => gzipSync('{}'.padEnd(size)) })
    expect(reasonOf(await send(900))).toBe('accepted')
    expect(reasonOf(await send(1_000))).toBe('busy')
  })

  it('may take a quarter while their key is not known', async () => {
    const { key, keys } = await start({ credentials: ['basic', 'body'] })
    const body = JSON.stringify({ writeKey: key })
    const send = (length: number) =>
      keys.verify({ method: 'POST', path: '/', headers: {}, body: () => body.padEnd(length) })
    expect(reasonOf(await send(251))).toBe('busy')
    expect(reasonOf(await send(250))).toBe('accepted')
    const known = { method: 'POST', path: '/', headers: { authorization: basic(key) } }
    expect(reasonOf(await keys.verify({ ...known, body: () => '{}'.padEnd(1_000) }))).toBe('accepted')
  })

  it('are told to onEvent when they are busy, with the key', async () => {
    const events: WriteKeyEvent[] = []
    const { send } = await start({ onEvent: (event) => events.push(event) })
    await send(() => '{}'.padEnd(1_001))
    expect(events).toEqual([
      { type: 'refused', reason: 'busy', keyId: expect.stringMatching(/^wk_/) as string },
    ])
  })
})

describe('uploads that stall', () => {
  it('with a public key do not keep the room from other keys', async () => {
    const refused: unknown[] = []
    const keys = createWriteKeys({
      maxPendingBodyBytes: 240_000,
      maxBodyBytes: 60_000,
      onEvent: (event) => {
        if (event.type === 'refused') refused.push([event.reason, event.keyId])
      },
    })
    const page = await keys.create({ name: 'Page', sourceType: 'web', rateLimitEps: 1 })
    const server = await keys.create({ name: 'Server', sourceType: 'server' })
    const app = express()
    app.use(writeKeyAuth(keys))
    app.post('/v1/:type', (_, response) => void response.json({}))
    const connected: Socket[] = []
    const listening = createServer(app).on('connection', (socket: Socket) => connected.push(socket))
    listening.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const { port } = listening.address() as AddressInfo
    const head = (key: string) =>
      `POST /v1/track HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic(key)}\r\nContent-Length: 60000\r\n\r\n`
    const stalled: Socket[] = []
    const upload = head(page.key) + ' '.repeat(59_999)
    for (let count = 0; count < 4; count++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.write(upload)
      stalled.push(socket)
    }
    const isHeld = () =>
      connected.length === 4 && connected.every(({ bytesRead }) => bytesRead === upload.length)
    await vi.waitUntil(isHeld, { interval: 5, timeout: 10_000 })
    const send = () =>
      fetch(`http://127.0.0.1:${port}/v1/track`, {
        method: 'POST',
        headers: { authorization: basic(server.key) },
        body: JSON.stringify({ event: 'Paid', note: 'y'.repeat(20_000) }),
      })
    for (let count = 0; count < 3; count++) expect((await send()).status).toBe(200)
    const answer = await Promise.race(stalled.map((socket) => text(socket)))
    expect(answer.slice(0, 12)).toBe('HTTP/1.1 503')
    expect(answer).toContain('"code":"busy"')
    expect(refused).toEqual([['busy', page.writeKey.id]])
    for (const socket of stalled) socket.destroy()
    listening.closeAllConnections()
    listening.close()
  })
})

describe('a body with the key in it', () => {
  it('is not read from an address that has sent too many unknown keys', async () => {
    const { key, keys } = await start({ credentials: 'body' })
    let reads = 0
    const send = (secret: string, ip: string) =>
      keys.verify({
        method: 'POST',
        path: '/',
        headers: { 'content-length': '100000' },
        ip,
        body: () => {
          reads++
          return JSON.stringify({ writeKey: secret })
        },
      })
    const reasons = new Set<string>()
    for (let count = 0; count < 25; count++) {
      reasons.add(reasonOf(await send(generateSecret('sk_live_'), '192.0.2.1')))
    }
    expect([...reasons]).toEqual(['unknown_key', 'too_many_failures'])
    const before = reads
    const refused = await send(key, '192.0.2.1')
    expect(refused).toMatchObject({
      reason: 'too_many_failures',
      reply: { status: 429, headers: { connection: 'close', 'retry-after': '1' } },
    })
    expect(reads).toBe(before)
    expect(reasonOf(await send(key, '192.0.2.2'))).toBe('accepted')
  })
})
