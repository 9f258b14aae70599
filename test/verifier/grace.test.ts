import { expect, it } from 'vitest'
import { createWriteKeys, type WriteKeyEvent } from '../../src/index.ts'

it('tells of the use of a secret in its grace once per request', async () => {
  const told: WriteKeyEvent[] = []
  const keys = createWriteKeys({ onEvent: (event) => told.push(event) })
  const { key, writeKey } = await keys.create({ name: 'Web App', sourceType: 'web' })
  await keys.rotate(writeKey.id)

  const authorization = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
  const verdict = await keys.verify({
    method: 'POST',
    path: '/v1/track',
    headers: { authorization },
    body: { event: 'Sent' },
  })

  expect(verdict.ok && Object.keys(verdict.headers)).toEqual(
    expect.arrayContaining(['deprecation', 'sunset']),
  )
  expect(told.map((event) => event.type)).toEqual(['grace_used', 'accepted'])
  await keys.close()
})
