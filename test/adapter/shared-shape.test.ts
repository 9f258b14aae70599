import { createServer, IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import express from 'express'
import { describe, expect, test } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { guardListener } from '../../adapters/node.ts'
import { shareShape } from '../../src/adapter/shared-shape.ts'
import { createMemoryStore, createWriteKeys, type WriteKeys } from '../../src/index.ts'

setFlagsFromString('--allow-natives-syntax')
const isTable = new Function('a', 'return !%HasFastProperties(a)') as (a: object) => boolean

interface Held {
  request: object
  response: express.Response
}

/** Two requests of Express, as its handlers get them while neither is answered: an answered one looks different. */
async function holdTwo(
  keys: WriteKeys,
  guard: (app: express.Express) => RequestListener,
): Promise<readonly [Held, Held]> {
  const { key } = await keys.create({ name: 'Shop', sourceType: 'server' })
  const held: Held[] = []
  const app = express()
  const listener = guard(app)
  app.post('/v1/first', (_, response) => void response.json({ success: true }))
  app.post('/v1/track', (request, response) => {
    held.push({ request, response })
    if (held.length === 2) for (const { response: answer } of held) answer.json({ success: true })
  })
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const send = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'Order Completed', userId: 'u-1' }),
    })
  // What is in front of Express learns from a response what becomes of them.
  await send('/v1/first')
  const answers = await Promise.all([send('/v1/track'), send('/v1/track')])
  server.close()
  server.closeAllConnections()
  await keys.close()
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  return held as [Held, Held]
}

describe('requests and responses of Express', () => {
  test('are tables behind writeKeyAuth', async () => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    const held = await holdTwo(keys, (app) => app.use('/v1', writeKeyAuth(keys)))

    expect(held.map(({ request }) => isTable(request))).toEqual([true, true])
    expect(held.map(({ response }) => isTable(response))).toEqual([true, true])
  })

  test('are tables behind guardListener', async () => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    const held = await holdTwo(keys, (app) => guardListener(app, keys, { path: '/v1' }))

    expect(held.map(({ request }) => isTable(request))).toEqual([true, true])
    expect(held.map(({ response }) => isTable(response))).toEqual([true, true])
  })
})

describe('shareShape', () => {
  const request = () => new IncomingMessage(new Socket())

  test.each([
    ['a request', request, 'statusMessage'],
    ['a response', () => new ServerResponse(request()), 'sendDate'],
  ] as const)('changes nothing of %s but the order of its properties', (_, make, property) => {
    const object = make()
    Object.setPrototypeOf(object, Object.create(Object.getPrototypeOf(object)))
    const before = Object.getOwnPropertyDescriptors(object)

    shareShape(object, property)

    expect(Object.getOwnPropertyDescriptors(object)).toEqual(before)
  })

  test.each([
    ['takes no properties', Object.freeze({ sendDate: true })],
    ['has no such property', { url: '/' }],
    ['keeps it', Object.defineProperty({}, 'sendDate', { value: true })],
  ])('leaves an object alone that %s', (_, object) => {
    const before = Object.getOwnPropertyDescriptors(object)

    expect(() => shareShape(object, 'sendDate')).not.toThrow()

    expect(Object.getOwnPropertyDescriptors(object)).toEqual(before)
  })
})
