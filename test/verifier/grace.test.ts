import { expect, it } from 'vitest'
import { createWriteKeys, type WriteKeyEvent } from '../../src/index.ts'
import { graceHeaders, hasEnded, isInGrace } from '../../src/verifier/grace.ts'

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

it('ends at its deadline, as a key does, and not a millisecond before', () => {
  const never = { expiresAt: null, secretExpiresAt: null }
  expect(hasEnded(never, 5_000)).toBe(false)
  for (const field of ['expiresAt', 'secretExpiresAt']) {
    const at = [4_999, 5_000, 5_001].map((now) => hasEnded({ ...never, [field]: 5_000 }, now))
    expect(at).toEqual([false, true, true])
  }
  expect([4_999, 5_000].map((now) => isInGrace({ graceUntil: 5_000 }, now))).toEqual([true, false])
})

it('is told to senders in whole seconds, as RFC 9745 and RFC 8594 say', () => {
  const secretExpiresAt = Date.UTC(2026, 0, 15, 12)
  expect(graceHeaders({ secretReplacedAt: 1_768_478_400_999, secretExpiresAt })).toEqual({
    deprecation: '@1768478400',
    sunset: 'Thu, 15 Jan 2026 12:00:00 GMT',
  })
})
