import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createWriteKeys, type WriteKeyEvent } from '../../src/index.ts'
import { blockWith, runModule } from '../docs/running-blocks.ts'

const received: Record<string, unknown>[] = []
let waiting: (() => void) | undefined
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  received.push(JSON.parse(body))
  response.end()
  waiting?.()
})
let url = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => received.splice(0))

async function until(count: number): Promise<void> {
  while (received.length < count) {
    await new Promise<void>((resolve) => {
      waiting = resolve
    })
  }
}

async function hookOf(name: string): Promise<(event: WriteKeyEvent) => void> {
  const made = await runModule(blockWith('docs/recipes/notices.md', 'ts', `function ${name}`).code)
  await (made.keys as { close?: () => Promise<void> } | undefined)?.close?.()
  return (made[name] as (url: string) => (event: WriteKeyEvent) => void)(url)
}

it('a webhook gets notices with the actor, and nothing else that happens', async () => {
  const keys = createWriteKeys({ onEvent: await hookOf('toWebhook') })
  const { key, writeKey } = await keys.create(
    { name: 'Web', sourceType: 'web' },
    { actor: { name: 'ada', address: '203.0.113.9' } },
  )
  await keys.verify({
    method: 'GET',
    path: '/v1/check',
    headers: { authorization: `Basic ${btoa(`${key}:`)}` },
  })
  await keys.revoke(writeKey.id, { actor: { name: 'ada' } })
  await until(2)
  expect(received).toMatchObject([
    { type: 'key_changed', action: 'create', actor: 'ada', address: '203.0.113.9', keyId: writeKey.id },
    { type: 'key_changed', action: 'revoke', actor: 'ada', keyId: writeKey.id },
  ])
  expect(JSON.stringify(received)).not.toContain(key)
  await keys.close()
})

it('Slack gets a line of text in which no name calls anybody', async () => {
  const keys = createWriteKeys({ onEvent: await hookOf('toSlack') })
  const { writeKey } = await keys.create(
    { name: 'Web', sourceType: 'web' },
    { actor: { name: '<!channel>' } },
  )
  await until(1)
  expect(received).toEqual([{ text: `${writeKey.id}: create by &lt;!channel&gt;` }])
  await keys.close()
})
