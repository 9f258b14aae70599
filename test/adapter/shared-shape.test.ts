import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import express from 'express'
import { describe, expect, test } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { shareShape } from '../../src/adapter/shared-shape.ts'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'

setFlagsFromString('--allow-natives-syntax')
const haveSameShape = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: object, b: object) => boolean

describe('requests and responses of Express', () => {
  test('share a hidden class in handlers behind writeKeyAuth', async () => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    const { key } = await keys.create({ name: 'Shop', sourceType: 'server' })
    const held: [request: object, response: express.Response][] = []
    const shapes: boolean[] = []
    const app = express()
    app.use('/v1', writeKeyAuth(keys))
    // Both are answered once both are there: an answered one looks different.
    app.post('/v1/track', (request, response) => {
      held.push([request, response])
      const [one, other] = held
      if (one === undefined || other === undefined) return
      shapes.push(haveSameShape(one[0], other[0]), haveSameShape(one[1], other[1]))
      for (const [, answer] of held) answer.json({ success: true })
    })
    const server = createServer(app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const send = () =>
      fetch(`http://127.0.0.1:${port}/v1/track`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ event: 'Order Completed', userId: 'u-1' }),
      })

    const answers = await Promise.all([send(), send()])

    server.close()
    server.closeAllConnections()
    await keys.close()
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(shapes).toEqual([true, true])
  })
})

describe('shareShape', () => {
  test('changes nothing that anybody sees', () => {
    const request = new IncomingMessage(new Socket())
    const response = new ServerResponse(request)
    for (const object of [request, response]) {
      Object.setPrototypeOf(object, Object.create(Object.getPrototypeOf(object)))
      const before = Object.getOwnPropertyDescriptors(object)
      shareShape(object)
      expect(Reflect.ownKeys(object)).toEqual(Reflect.ownKeys(before))
      expect(Object.getOwnPropertyDescriptors(object)).toEqual(before)
    }
  })

  test('leaves an object alone that takes no properties', () => {
    const frozen = Object.freeze({ url: '/' })
    expect(() => shareShape(frozen)).not.toThrow()
  })
})
