import express from 'express'
import { onTestFinished } from 'vitest'
import { ingestRoutes } from '../../adapters/express.ts'
import {
  type CreateKeyInput,
  createWriteKeys,
  type IngestEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'

/** An app that takes what every sender sends, and what has arrived there. Ends with the test. */
export async function setUp(
  fields: Partial<CreateKeyInput> = {},
  options: WriteKeysOptions = {},
  parses = false,
) {
  const keys = createWriteKeys(options)
  onTestFinished(() => keys.close())
  const { key, writeKey } = await keys.create({
    name: 'Sender',
    sourceType: 'web',
    rateLimitEps: 1_000,
    ...fields,
  })
  const { key: otherKey } = await keys.create({ name: 'Other', sourceType: 'web' })
  const arrived: IngestEvent[] = []
  const logged: string[] = []
  const api = createIngestApi<IngestEvent>(keys, {
    senders: ['inngest', 'posthog', 'amplitude', 'mixpanel', 'jitsu'],
    onEvents: (events) => void arrived.push(...events),
  })
  const app = express()
  app.use((req, res, next) => {
    res.on('finish', () => logged.push(req.originalUrl))
    next()
  })
  if (parses) app.use(express.json())
  app.use(ingestRoutes(api))
  const { url, close } = await serve(app)
  onTestFinished(async () => void (await close()))
  async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    const raw = typeof body === 'string' || body instanceof Uint8Array
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: raw ? (body as string) : JSON.stringify(body),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) }
  }
  return { keys, key, id: writeKey.id, otherKey, url, post, arrived, logged }
}

export const form = { 'content-type': 'application/x-www-form-urlencoded' }
export const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
