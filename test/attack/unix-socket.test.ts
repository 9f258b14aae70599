import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request as sendRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { adminRoutes, writeKeyAuth } from '../../adapters/express.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys, type WriteKeysOptions } from '../../src/index.ts'
import { adminToken, base, tokens } from '../admin/admin-calls.ts'

/** An app behind a socket in the file system, as nginx on the same machine reaches it: no request has an address. */
async function start(options: WriteKeysOptions = {}) {
  const keys = createWriteKeys(options)
  const { trustedProxies } = options
  const app = express()
  app.use(
    adminRoutes(createAdminApi(keys, { tokens, ...(trustedProxies !== undefined && { trustedProxies }) })),
  )
  app.use('/v1', writeKeyAuth(keys))
  app.post('/v1/track', (_, response) => {
    response.json({ success: true })
  })
  const folder = mkdtempSync(join(tmpdir(), 'writekey-socket-'))
  const socketPath = join(folder, 'app.sock')
  const server = createServer(app).listen(socketPath)
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    await keys.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function send(method: string, path: string, headers: Record<string, string>, body?: object) {
    const sending = sendRequest({ socketPath, method, path, headers: { ...headers, connection: 'close' } })
    sending.end(body === undefined ? undefined : JSON.stringify(body))
    const [response] = (await once(sending, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of response) text += String(chunk)
    return { status: response.statusCode, body: text === '' ? undefined : JSON.parse(text) }
  }
  const ingest = (key: string, headers: Record<string, string> = {}) =>
    send(
      'POST',
      '/v1/track',
      { authorization: `Basic ${btoa(`${key}:`)}`, ...headers },
      { event: 'Signed Up' },
    )
  const manage = (method: string, path: string, body?: object, token = adminToken) =>
    send(
      method,
      path,
      { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      body,
    )
  return { keys, ingest, manage }
}

describe('an app on a Unix socket', () => {
  it('lets events in, and refuses keys with a rule for addresses, as there is none', async () => {
    const { keys, ingest } = await start()
    const open = await keys.create({ name: 'Web', sourceType: 'web' })
    const bound = await keys.create({
      name: 'Server',
      sourceType: 'server',
      allowedIps: ['0.0.0.0/0', '::/0'],
    })
    const denied = await keys.create({ name: 'Server', sourceType: 'server', deniedIps: ['192.0.2.0/24'] })
    expect(await ingest(open.key)).toEqual({ status: 200, body: { success: true } })
    for (const { key } of [bound, denied]) {
      expect(await ingest(key)).toMatchObject({ status: 403, body: { code: 'ip_not_allowed' } })
    }
    // Nobody is trusted to say where a request comes from.
    expect((await ingest(bound.key, { 'x-forwarded-for': '203.0.113.7' })).status).toBe(403)
  })

  it('takes the address from a trusted proxy', async () => {
    const { keys, ingest } = await start({ trustedProxies: 1 })
    const { key } = await keys.create({ name: 'Server', sourceType: 'server', allowedIps: ['203.0.113.7'] })
    expect((await ingest(key, { 'x-forwarded-for': '203.0.113.7' })).status).toBe(200)
    expect((await ingest(key, { 'x-forwarded-for': '203.0.113.8' })).status).toBe(403)
    expect((await ingest(key)).status).toBe(403)
  })

  it('is managed, and throttles wrong tokens', async () => {
    const { manage, keys } = await start()
    expect((await manage('POST', base, { name: 'Web', source_type: 'web' })).status).toBe(201)
    expect((await manage('GET', base)).body.data).toHaveLength(1)
    expect((await keys.audit()).data).toMatchObject([{ action: 'create', actor: 'ops', address: null }])
    const statuses: (number | undefined)[] = []
    for (let count = 0; count < 22; count++)
      statuses.push((await manage('GET', base, undefined, 'wrong')).status)
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429])
    expect((await manage('GET', base)).status).toBe(200)
  })
})
