import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import express from 'express'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { ingestRoutes } from '../../adapters/express.ts'
import { createWriteKeys, type IngestEvent } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'
import { type SdkRequest, segmentSdks } from './sdk-requests.ts'

const keys = createWriteKeys()
const arrived: IngestEvent[] = []
let key: string
let server: Awaited<ReturnType<typeof serve>>

beforeAll(async () => {
  key = (await keys.create({ name: 'Phones', sourceType: 'mobile', allowedEventTypes: ['track'] })).key
  const api = createIngestApi<IngestEvent>(keys, { onEvents: (events) => void arrived.push(...events) })
  // Behind a parser, as apps have it: what it does not know it leaves alone.
  server = await serve(express().use(express.json({ type: 'application/json' }), ingestRoutes(api)))
})
beforeEach(() => {
  arrived.length = 0
})
afterAll(async () => {
  server.close()
  await keys.close()
})

async function send({ path, headers, body, isChunked = false }: SdkRequest) {
  const length = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }
  const sending = request(server.url + path, { method: 'POST', headers: { ...headers, ...length } })
  sending.end(body)
  const [answer] = (await once(sending, 'response')) as [IncomingMessage]
  return {
    status: answer.statusCode,
    type: answer.headers['content-type'],
    body: JSON.parse(await text(answer)),
  }
}

it.each(Object.entries(segmentSdks))('takes what Segment for %s sends', async (_, toRequest) => {
  // Those for PHP and Python take 200 alone for a success, and read the answer as JSON.
  expect(await send(toRequest(key))).toEqual({
    status: 200,
    type: 'application/json',
    body: { success: true, accepted: 2 },
  })
  expect(arrived).toMatchObject([
    { type: 'track', event: 'First', messageId: 'id of First', properties: { product: 'Büro & Co' } },
    { type: 'track', event: 'Second', messageId: 'id of Second' },
  ])
  expect(JSON.stringify(arrived)).not.toContain(key)
})

it.each(Object.entries(segmentSdks))(
  'refuses what Segment for %s sends with another key',
  async (_, toRequest) => {
    const other = `${key.slice(0, -4)}0000`
    expect((await send(toRequest(other))).status).toBe(401)
    expect(arrived).toEqual([])
  },
)
