import { expect, it } from 'vitest'
import { groupProblems } from '../../dashboard/src/words/problem-groups.ts'

type Problem = Parameters<typeof groupProblems>[0][number]

let made = 0

function problem(fields: Partial<Problem>): Problem {
  return {
    id: `p${made++}`,
    reason: 'origin_not_allowed',
    cause: 'The origin is not allowed',
    advice: null,
    key_id: 'wk_0000000000000001',
    key: null,
    origin: 'https://shop.example',
    address: '192.0.2.1',
    names: [],
    types: ['track'],
    rest: false,
    count: 1,
    first_at: '2026-01-05T12:00:00.000Z',
    last_at: '2026-01-05T12:30:00.000Z',
    last_hour: 1,
    hour_before: 0,
    trend: 'new',
    ...fields,
  }
}

it('makes one line of a site that is refused at many addresses', () => {
  const groups = groupProblems([
    problem({ count: 5, names: ['A'] }),
    problem({ address: '192.0.2.2', count: 2, names: ['B', 'A'], first_at: '2026-01-05T11:00:00.000Z' }),
    problem({ address: '192.0.2.3', trend: 'rising' }),
    problem({ origin: 'https://other.example' }),
    problem({ key_id: 'wk_0000000000000002' }),
  ])
  expect(groups).toHaveLength(3)
  expect(groups[0]).toMatchObject({
    addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
    names: ['A', 'B'],
    types: ['track'],
    count: 8,
    first_at: '2026-01-05T11:00:00.000Z',
    trend: 'rising',
  })
})

it('keeps addresses apart where they are what matters', () => {
  for (const fields of [
    { reason: 'ip_not_allowed' },
    { reason: 'sender_rate_limited' },
    { reason: 'unknown_key', key_id: null, origin: null },
  ])
    expect(groupProblems([problem(fields), problem({ ...fields, address: '192.0.2.2' })])).toHaveLength(2)
})
