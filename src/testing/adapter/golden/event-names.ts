import { passes, refuses } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const identified = { type: 'identify', userId: 'u1' }
const json = JSON.stringify
const nameRefused = (...rejected: { index: number; type: string | null }[]) =>
  refuses('event_name_not_allowed', { members: { rejected } })

export const eventNameRequests: readonly GoldenRequest[] = [
  { name: 'an allowed name passes', key: { allowedEventNames: ['Signed Up'] }, ...passes() },
  {
    name: 'another name is refused',
    key: { allowedEventNames: ['Signed In'] },
    ...nameRefused({ index: 0, type: 'track' }),
  },
  {
    name: 'a name in another case is refused',
    key: { allowedEventNames: ['signed up'] },
    ...nameRefused({ index: 0, type: 'track' }),
  },
  { name: 'a name passes by its beginning', key: { allowedEventNames: ['Signed*'] }, ...passes() },
  {
    name: 'a denied name is refused',
    key: { deniedEventNames: ['Signed*'] },
    ...nameRefused({ index: 0, type: 'track' }),
  },
  {
    name: 'denial wins over permission',
    key: { allowedEventNames: ['Signed Up'], deniedEventNames: ['Signed Up'] },
    ...nameRefused({ index: 0, type: 'track' }),
  },
  {
    name: 'a page has its name in name',
    key: { allowedEventNames: ['Home'] },
    path: '/v1/page',
    body: json({ name: 'Home' }),
    ...passes([{ name: 'Home' }]),
  },
  {
    name: 'a page of another name is refused',
    key: { allowedEventNames: ['Home'] },
    path: '/v1/page',
    body: json({ name: 'Cart' }),
    ...nameRefused({ index: 0, type: 'page' }),
  },
  {
    name: 'identify has no name and passes',
    key: { allowedEventNames: ['Home'] },
    path: '/v1/identify',
    body: json(identified),
    ...passes([identified]),
  },
  {
    name: 'an event of the other document has its name in name',
    key: { allowedEventNames: ['billing/*'] },
    path: '/v1/e',
    body: json({ name: 'billing/paid', data: {} }),
    ...passes([{ name: 'billing/paid', data: {} }]),
  },
  {
    name: 'an event of the other document under another name is refused',
    key: { allowedEventNames: ['billing/*'] },
    path: '/v1/e',
    body: json({ name: 'user/made', data: {} }),
    ...nameRefused({ index: 0, type: null }),
  },
]
