// Requests whose Host a runtime cannot read, or that have none: a good key is good there, too.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createWriteKeys } from 'writekey'
import { createAdminApi } from 'writekey/admin'
import { adminRoutes, writeKeyAuth } from 'writekey/fetch'

const keys = createWriteKeys({ credentials: ['basic', { path: '/e/:key' }] })
const { key } = await keys.create({ name: 'Web', sourceType: 'web', allowedEventTypes: ['page'] })
const auth = writeKeyAuth(keys)
const token = 'token-of-an-administrator-of-these-keys'
const admin = adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'viewer' }] }))

async function answer(request) {
  return (
    (await admin(request)) ??
    auth(request, async ({ eventType }, accepted) =>
      Response.json([eventType ?? 'batch', (await accepted.json()).name]),
    )
  )
}

function serve() {
  if (globalThis.Bun !== undefined) return Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer }).port
  return Deno.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, answer).addr.port
}

const port = serve()
const basic = `Authorization: Basic ${btoa(`${key}:`)}`
const lines = {
  good: [`POST /v1/page HTTP/1.1\r\nHost: localhost`, basic],
  none: [`POST /v1/page HTTP/1.0`, basic],
  empty: [`POST /v1/page HTTP/1.1\r\nHost: `, basic],
  spaced: [`POST /v1/page HTTP/1.1\r\nHost: a b`, basic],
  asking: [`POST /v1/page HTTP/1.1\r\nHost: x?`, basic],
  zoned: [`POST /v1/page HTTP/1.1\r\nHost: [fe80::1%25eth0]:80`, basic],
  short: [`POST /page HTTP/1.0`, basic],
  forbidden: [`POST /track HTTP/1.0`, basic],
  misleading: [`POST /track?a=://b/page HTTP/1.0`, basic],
  inPath: [`POST /e/${key} HTTP/1.0`, 'X-Nothing: 1'],
  admin: [`GET /api/v1/events/write-keys HTTP/1.0`, `Authorization: Bearer ${token}`],
}

const seen = {}
for (const [name, [head, field]] of Object.entries(lines)) {
  const content = head.startsWith('GET') ? '' : '{"type":"page","name":"a"}'
  const socket = connect(port, '127.0.0.1')
  socket.end(
    `${head}\r\n${field}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${content.length}\r\n\r\n${content}`,
  )
  const [top, body] = (await text(socket)).split('\r\n\r\n')
  const status = Number(top.split(' ')[1])
  seen[name] =
    status === 200 && name !== 'admin'
      ? JSON.parse(body.slice(body.indexOf('['), body.lastIndexOf(']') + 1))
      : status
}
console.log(JSON.stringify(seen))
process.exit(0)
