import { expect, it } from 'vitest'
import { fuzzWorkspaces } from './workspace-fuzz.ts'

it('nothing of one workspace is in an answer to the other, whatever is asked (test/long asks 5,000 times)', async () => {
  const { good, hidden } = await fuzzWorkspaces(300, 7)
  expect(good).toBeGreaterThan(50)
  expect(hidden).toBeGreaterThan(30)
})
