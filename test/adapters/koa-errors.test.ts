import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/koa.ts'
import { createWriteKeys } from '../../src/index.ts'

const running: Server[] = []
afterEach(() => {
  for (const server of running.splice(0)) server.close()
})

class Conflict extends Error {
  readonly expose = true
  readonly status = 409
}
class ReadOnlyHeaders extends Conflict {
  get headers() {
    return { 'x-own': '1', vary: 'Accept' }
  }
}
class ReadOnlyStatus extends Error {
  readonly expose = true
  get status() {
    return 409
  }
}

/** What Koa answers to each without us; nothing where its error handler fails. */
const errors: [string, () => unknown, number, string][] = [
  ['with headers that cannot be set', () => new ReadOnlyHeaders('seen before'), 409, 'seen before'],
  ['with a status that cannot be set', () => new ReadOnlyStatus('seen before'), 409, 'seen before'],
  ['that is frozen', () => Object.freeze(new Conflict('seen before')), 409, 'seen before'],
  ['that is frozen and has no status', () => Object.freeze(new Error('no')), 500, 'Internal Server Error'],
  ['that is sealed', () => Object.seal(new Error('no')), 500, 'Internal Server Error'],
  ['that is a text', () => 'no', 500, 'Internal Server Error'],
  ['that is a number', () => 5, 500, 'Internal Server Error'],
  [
    'of another realm',
    () => Object.create(new Error('no'), { status: { value: 409, writable: true } }),
    409,
    'Conflict',
  ],
]

describe.each([
  ['Koa 3', Koa3],
  ['Koa 2', Koa2 as unknown as typeof Koa3],
])('an error of the application on %s', (_, Koa) => {
  async function start(fail: () => unknown) {
    const keys = createWriteKeys()
    const app = new Koa()
    app.silent = true
    const reported: unknown[] = []
    app.on('error', (error) => reported.push(error))
    app.use(writeKeyAuth(keys)).use(() => {
      throw fail()
    })
    const server = createServer(app.callback())
    running.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/track`
    const send = (key: string, origin: string) =>
      fetch(url, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${key}:`)}`, origin, connection: 'close' },
        body: '{}',
      })
    return { keys, reported, send }
  }

  it.each(errors)('%s gets its answer, readable for browsers', async (_, make, status, text) => {
    const thrown = make()
    const { keys, reported, send } = await start(() => thrown)
    const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 500 })
    const before = typeof thrown === 'object' && thrown !== null ? Object.getOwnPropertyNames(thrown) : []
    const answer = await send(key, 'https://app.example.com')
    expect(answer.status).toBe(status)
    expect(await answer.text()).toBe(text)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('x-ratelimit-limit')).toBe('500')
    expect(answer.headers.get('vary')).toContain('Origin')
    if (thrown instanceof Error) {
      expect(reported).toEqual([thrown])
      expect(reported[0]).toBe(thrown)
      // Koa notes a status of its own; nothing of ours is there.
      const added = Object.getOwnPropertyNames(thrown).filter((name) => !before.includes(name))
      expect(['', 'status']).toContain(added.join())
    }
  })

  it('that two requests share carries nothing from one to the other', async () => {
    const shared = Object.assign(new Error('no'), { status: 503, headers: { 'x-own': '1' } })
    const { keys, send } = await start(() => shared)
    const [one, other] = await Promise.all(
      [10, 20].map((rateLimitEps) =>
        keys.create({
          name: 'Web App',
          sourceType: 'web',
          rateLimitEps,
          allowedOrigins: [`https://${rateLimitEps}.example.com`],
        }),
      ),
    )
    for (const [key, eps] of [
      [one?.key, 10],
      [other?.key, 20],
      [one?.key, 10],
    ] as const) {
      const { headers } = await send(key as string, `https://${eps}.example.com`)
      expect(headers.get('access-control-allow-origin')).toBe(`https://${eps}.example.com`)
      expect(headers.get('x-ratelimit-limit')).toBe(`${eps}`)
      expect(headers.get('x-own')).toBe('1')
    }
    expect(Object.keys(shared.headers)).toEqual(['x-own'])
  })
})
