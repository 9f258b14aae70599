import { expect, it } from 'vitest'
import { post, setUp, web } from '../../manual-keys.ts'

it.each([
  ['the events that are not allowed', '[{"type":"page"}]', [{ index: 0, type: 'page' }]],
  ['nothing of events that are none', '[5]', undefined],
])('the answer to a refusal names %s', async (_, body, rejected) => {
  const { keys } = setUp()
  const { key } = await keys.create({ ...web, allowedEventTypes: ['track'] })
  const verdict = await keys.verify({ ...post(key), path: '/v1/batch', body })
  if (verdict.ok) throw new Error('accepted')
  expect(JSON.parse(verdict.reply.body).rejected).toEqual(rejected)
  await keys.close()
})
