import { expect, it } from 'vitest'
import { markPaid } from '../../../src/verifier/visit.ts'
import { post, setUp, web } from '../../manual-keys.ts'

it.each([
  ['accepted', 'as long as it may be', 1_000],
  ['payload_too_large', 'a byte longer', 1_001],
  ['accepted', 'of a length that nobody knows', undefined],
])('is %s when a guard of other keys has read a body that is %s', async (expected, _, bytes) => {
  const { keys } = setUp({ maxBodyBytes: 1_000 })
  const { key } = await keys.create(web)
  const verdict = await keys.verify(markPaid(post(key, { event: 'a' }), bytes))
  expect(verdict.ok ? 'accepted' : verdict.reason).toBe(expected)
  await keys.close()
})
