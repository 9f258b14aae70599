import { expect, it } from 'vitest'
import { fuzzWorkspaces } from '../admin/workspace-fuzz.ts'
import { length } from './length.ts'

it('nothing of one workspace is in an answer to the other in 5,000 requests', async () => {
  const requests = length(5_000, 1_000)
  const { good, hidden } = await fuzzWorkspaces(requests, Date.now() % 2 ** 31)
  expect(good).toBeGreaterThan(requests / 8)
  expect(hidden).toBeGreaterThan(requests / 10)
}, 300_000)
