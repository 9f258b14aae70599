import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, it, onTestFinished } from 'vitest'
import { writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { writeKeyAuth as fetchAuth } from '../../adapters/fetch.ts'
import { createWriteKeys } from '../../src/index.ts'

const basic = (key: string) => ({
  authorization: `Basic ${btoa(`${key}:`)}`,
  'content-type': 'application/json',
})

async function twoKeys() {
  const keys = createWriteKeys()
  onTestFinished(() => keys.close())
  const make = async (workspace: string | null) =>
    (await keys.create({ name: 'Web', sourceType: 'web', workspace })).key
  return { keys, acme: await make('acme'), beta: await make('beta'), none: await make(null) }
}

it('lets keys of one workspace through, by name or by what a function tells of the request, also behind another guard', async () => {
  const { keys, acme, beta, none } = await twoKeys()
  const app = express()
  app.use(
    '/of/:customer',
    writeKeyAuth(keys, { workspace: (request) => customerIn(request.originalUrl ?? '') }),
  )
  app.use('/acme', writeKeyAuth(keys, { workspace: 'acme' }))
  app.use(
    '/broken',
    writeKeyAuth(keys, {
      workspace: () => {
        throw new Error('no database')
      },
    }),
  )
  app.use('/open', writeKeyAuth(keys))
  app.use('/open/acme', writeKeyAuth(keys, { workspace: 'acme' }))
  app.use((request, response) => void response.json({ workspace: writeKeyOf(request).workspace }))
  const server = createServer(app).listen(0)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const status = async (path: string, key: string) =>
    (
      await fetch(`http://localhost:${port}${path}/track`, {
        method: 'POST',
        headers: basic(key),
        body: '{}',
      })
    ).status

  for (const path of ['/of/acme', '/acme', '/open/acme']) {
    expect([path, await status(path, acme), await status(path, beta), await status(path, none)]).toEqual([
      path,
      200,
      401,
      401,
    ])
  }
  expect(await status('/of/beta', beta)).toBe(200)
  expect(await status('/open', beta)).toBe(200)
  // The function cannot tell: no key is let in.
  for (const key of [acme, beta, none]) expect(await status('/of/-', key)).toBe(401)
  expect(await status('/broken', acme)).toBe(503)
})

function customerIn(url: string): string | undefined {
  const [, , name] = url.split('/')
  return name === '-' ? undefined : name
}

it('refuses every key where the workspace is there but none, and at construction', async () => {
  const { keys, acme, none } = await twoKeys()
  for (const workspace of [undefined, '', null, 5]) {
    for (const key of [acme, none]) {
      const request = { method: 'POST', path: '/v1/track', headers: basic(key), body: { event: 'A' } }
      expect(await keys.verify({ ...request, workspace: workspace as string })).toMatchObject({
        reason: 'wrong_workspace',
      })
    }
  }
  for (const workspace of [undefined, '', null, 'a b']) {
    expect(() => fetchAuth(keys, { workspace: workspace as string })).toThrow(/workspace must be/)
  }
})
