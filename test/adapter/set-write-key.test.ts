import { expect, it, onTestFinished } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as guardFastify } from '../../adapters/fastify.ts'
import { writeKeyAuth as guardFetch } from '../../adapters/fetch.ts'
import { writeKeyAuth as guardHono } from '../../adapters/hono.ts'
import { writeKeyAuth as guardKoa } from '../../adapters/koa.ts'
import { writeKeyAuth as guardNode } from '../../adapters/node.ts'
import { createWriteKeys } from '../../src/index.ts'

it.each(['url', 'on', 'method', 'headers', 'body', 'rawBody', 'socket', 'params', '_events', '__proto__'])(
  'requestProperty may not be %s, which others use',
  (requestProperty) => {
    const keys = createWriteKeys()
    onTestFinished(() => keys.close())
    expect(() => writeKeyAuth(keys, { requestProperty })).toThrow(/^requestProperty must be the name/)
    for (const free of ['writeKey', 'sender', 'auth', 'user', 'urls'])
      expect(() => writeKeyAuth(keys, { requestProperty: free })).not.toThrow()
  },
)

it.each([
  ['koa', guardKoa, ['url', 'id', 'log', '_sender', 'context'], ['__proto__', 'constructor']],
  ['hono', guardHono, ['url', 'id', 'log', '_sender', 'context'], ['__proto__', 'constructor']],
  ['fastify', guardFastify, ['pipe', 'xhr', 'on'], ['id', 'log', 'raw', 'server', '_sender', '__proto__']],
  ['fetch', guardFetch, ['id', 'log', 'params', '_sender'], ['url', 'blob', 'bodyUsed', '__proto__']],
  ['node', guardNode, ['sender'], ['id', 'log', 'url', '_events', '__proto__']],
])('%s refuses the names that are used where it puts the key, and no others', (_, guard, free, taken) => {
  const keys = createWriteKeys()
  onTestFinished(() => keys.close())
  for (const requestProperty of free) expect(() => guard(keys, { requestProperty })).not.toThrow()
  for (const requestProperty of taken)
    expect(() => guard(keys, { requestProperty })).toThrow(/^requestProperty must be the name/)
})

it('a change without an id says that none was given', async () => {
  const keys = createWriteKeys()
  onTestFinished(() => keys.close())
  const { id } = (await keys.create({ name: 'Sender', sourceType: 'web' })) as never as { id: string }
  await expect(keys.rotate(id)).rejects.toThrow(/^No id was given/)
  await expect(keys.revoke('other')).rejects.toThrow(/^There is no write key/)
})
