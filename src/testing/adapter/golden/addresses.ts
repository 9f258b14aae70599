import { passes, refuses } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const addressRefused = refuses('ip_not_allowed')

export const addressRequests: readonly GoldenRequest[] = [
  { name: 'an allowed address passes', key: { allowedIps: ['127.0.0.1'] }, ...passes() },
  {
    name: 'an address in an allowed range passes',
    key: { allowedIps: ['10.0.0.0/8', '127.0.0.0/8'] },
    ...passes(),
  },
  {
    name: 'an IPv4 address passes by its mapped form',
    key: { allowedIps: ['::ffff:127.0.0.1'] },
    ...passes(),
  },
  { name: 'another address is refused', key: { allowedIps: ['10.0.0.0/8'] }, ...addressRefused },
  { name: 'a denied address is refused', key: { deniedIps: ['127.0.0.0/8'] }, ...addressRefused },
  {
    name: 'denial of an address wins over permission',
    key: { allowedIps: ['127.0.0.1'], deniedIps: ['127.0.0.1'] },
    ...addressRefused,
  },
  ...[
    'X-Forwarded-For: 10.0.0.1',
    'Forwarded: for=10.0.0.1',
    'X-Real-IP: 10.0.0.1',
    'CF-Connecting-IP: 10.0.0.1',
  ].map((line) => ({
    name: `${line} changes nothing without trusted proxies`,
    key: { allowedIps: ['10.0.0.0/8'] },
    headers: [line],
    ...addressRefused,
  })),
  {
    name: 'the right-most entry counts behind one proxy',
    server: 'behind one proxy',
    key: { allowedIps: ['203.0.113.9'] },
    headers: ['X-Forwarded-For: 10.0.0.1, 203.0.113.9'],
    ...passes(),
  },
  {
    name: 'an entry of the client does not count behind one proxy',
    server: 'behind one proxy',
    key: { allowedIps: ['10.0.0.1'] },
    headers: ['X-Forwarded-For: 10.0.0.1, 203.0.113.9'],
    ...addressRefused,
  },
  {
    name: 'an entry that is no address is refused by a key with address rules',
    server: 'behind one proxy',
    key: { deniedIps: ['10.0.0.1'] },
    headers: ['X-Forwarded-For: 10.0.0.1, unknown'],
    ...addressRefused,
  },
  {
    name: 'an entry that is no address does not matter to a key without address rules',
    server: 'behind one proxy',
    headers: ['X-Forwarded-For: unknown'],
    ...passes(),
  },
  {
    name: 'trusted ranges are skipped from the right, over lines',
    server: 'behind trusted ranges',
    key: { allowedIps: ['203.0.113.9'] },
    headers: ['X-Forwarded-For: 10.9.9.9, 203.0.113.9', 'X-Forwarded-For: 192.0.2.1'],
    ...passes(),
  },
  {
    name: 'the address is checked before the origin',
    key: { allowedIps: ['10.0.0.0/8'], allowedOrigins: ['https://app.example.com'] },
    headers: ['Origin: https://evil.example'],
    ...refuses('ip_not_allowed', { headers: { 'access-control-allow-origin': null } }),
  },
]
