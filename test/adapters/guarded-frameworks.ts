import { once } from 'node:events'
import type { Server } from 'node:http'
import type { Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeyEvent } from '../../src/index.ts'

export const event = { type: 'track', event: 'Signed Up', userId: '42' }

export const path = '/v1'

export async function createKeys() {
  const told: WriteKeyEvent[] = []
  const keys = createWriteKeys({ onEvent: (one) => void (one.type === 'key_changed' || told.push(one)) })
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 100 })
  onTestFinished(async () => void (await keys.close()))
  return { keys, key, told }
}

export async function listen(server: Server | Http2Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => void (await server.close()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
