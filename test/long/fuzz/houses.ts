import type { CreateKeyInput, WriteKeys, WriteKeysOptions } from '../../../src/index.ts'
import { basic } from '../../../src/testing/adapter/golden/golden-request.ts'
import type { ManualClock } from '../../../src/testing/manual-clock.ts'
import type { House, KnownKey } from './oracle/expectation.ts'
import { checksumOf } from './oracle/oracle.ts'
import { createRandom } from './random.ts'

const defaults = {
  credentials: ['basic'],
  batchFields: ['batch'],
  eventTypes: [],
  maxBodyBytes: 4_000_000,
  maxEvents: 2_500,
  onForbiddenEvent: 'reject',
  serverKeysInBrowsers: 'allow',
} as const

/** Sets of options that requests are sent to, each behind every framework. */
export const houses: readonly House[] = [
  { ...defaults, name: 'defaults' },
  {
    ...defaults,
    name: 'keys everywhere',
    credentials: [
      'basic',
      'bearer',
      'header',
      { header: 'X-Api-Key' },
      'query',
      { query: 'token' },
      { path: '/e/:key' },
      'body',
      { body: 'api_key' },
    ],
    batchFields: ['batch', 'events'],
    importedKeys: /^[A-Za-z0-9]{32}$/,
  },
  {
    ...defaults,
    name: 'small limits',
    maxBodyBytes: 400,
    maxEvents: 3,
    eventTypes: ['order'],
    serverKeysInBrowsers: 'deny',
    trustedProxies: 1,
  },
  {
    ...defaults,
    name: 'forbidden events dropped',
    credentials: ['basic', 'body'],
    onForbiddenEvent: 'drop',
    trustedProxies: ['127.0.0.0/8', '192.0.2.0/24'],
  },
  { ...defaults, name: 'routes of pages', eventType: 'page' },
  { ...defaults, name: 'routes of batches', eventType: 'batch', credentials: ['bearer', 'query'] },
]

export function optionsOf(house: House): WriteKeysOptions {
  const { name: _, eventType: __, ...options } = house
  return options as WriteKeysOptions
}

type State =
  | KnownKey['state']
  | 'unknown'
  | 'revoked'
  | 'expired'
  | 'other environment'
  | 'in grace'
  | 'grace over'

interface Row {
  readonly fields?: Partial<CreateKeyInput>
  readonly state?: State
}

const app = 'https://app.example.com'

const rows: Readonly<Record<string, Row>> = {
  plain: {},
  browser: {
    fields: {
      allowedOrigins: [app, 'https://*.shop.example', 'http://localhost:*', 'app://.'],
    },
  },
  'no browser': { fields: { allowedOrigins: [] } },
  'three types': { fields: { allowedEventTypes: ['track', 'identify', 'page'] } },
  'one type': { fields: { allowedEventTypes: ['identify'] } },
  names: { fields: { allowedEventNames: ['Signed Up', 'billing/*'] } },
  'no names': { fields: { deniedEventNames: ['Signed*', 'x'] } },
  'both names': { fields: { allowedEventNames: ['Signed*'], deniedEventNames: ['Signed Out'] } },
  'local address': { fields: { allowedIps: ['127.0.0.1'] } },
  'far address': { fields: { allowedIps: ['10.0.0.0/8'] } },
  'documented addresses': { fields: { allowedIps: ['203.0.113.0/24', '2001:db8::/32'] } },
  'denied address': { fields: { deniedIps: ['203.0.113.9', '2001:db8::9'] } },
  server: { fields: { sourceType: 'server' } },
  'server with origins': { fields: { sourceType: 'server', allowedOrigins: [app] } },
  fast: { fields: { rateLimitEps: 1_000_000 } },
  'many rules': {
    fields: {
      allowedEventTypes: ['track', 'page'],
      allowedEventNames: ['Signed Up', 'Home'],
      allowedOrigins: [app],
      deniedIps: ['10.0.0.0/8'],
    },
  },
  spent: { fields: { rateLimitEps: 0.001 }, state: 'spent' },
  paused: { state: 'paused' },
  unknown: { state: 'unknown' },
  revoked: { state: 'revoked' },
  expired: { state: 'expired' },
  'other environment': { state: 'other environment' },
  'in grace': { state: 'in grace' },
  'grace over': { state: 'grace over' },
}

const hourMs = 3_600_000

/** Makes the keys of a house, with secrets that follow from the seed, and tells what the oracle has to know of them. */
export async function furnish(
  house: House,
  keys: WriteKeys,
  clock: ManualClock,
  seed: number,
): Promise<{ known: Map<string, KnownKey>; idsByName: Map<string, string> }> {
  const random = createRandom(seed)
  const known = new Map<string, KnownKey>()
  const idsByName = new Map<string, string>()
  const word = (length: number) =>
    Array.from({ length }, () =>
      random.pick([...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz']),
    ).join('')
  const entries = Object.entries(rows)
  if (house.importedKeys !== undefined) entries.push(['imported', {}])
  for (const [name, { fields = {}, state = 'good' }] of entries) {
    const body = `sk_live_${word(32)}`
    const secret = name === 'imported' ? word(32) : body + checksumOf(body)
    known.set(secret, toKnown(name, secret, fields, state))
    if (state === 'unknown') continue
    const [result] = await keys
      .import([
        {
          name,
          sourceType: 'web',
          key: secret,
          ...fields,
          ...(state === 'other environment' && { environment: 'staging' }),
          ...(state === 'expired' && { expiresAt: new Date(clock.now() + hourMs) }),
        } as never,
      ])
      .then(({ results }) => results)
    if (result === undefined || !result.ok) throw new Error(`${name} was refused: ${JSON.stringify(result)}`)
    const { id } = result.writeKey
    idsByName.set(name, id)
    if (state === 'revoked') await keys.revoke(id)
    if (state === 'paused') await keys.pause(id)
    if (state === 'grace over') await keys.rotate(id, { gracePeriodHours: 1 })
    if (state === 'in grace') await keys.rotate(id, { gracePeriodHours: 720 })
  }
  clock.advance(2 * hourMs)
  await spend(house, keys, secretOf(known, 'spent'))
  return { known, idsByName }
}

function secretOf(known: ReadonlyMap<string, KnownKey>, name: string): string {
  return [...known.values()].find((key) => key.name === name)?.secret as string
}

/** Takes more out of the bucket of a slow key than a campaign refills. */
async function spend(house: House, keys: WriteKeys, secret: string): Promise<void> {
  const verdict = await keys.verify({
    method: 'POST',
    path: '/v1/batch',
    headers: { authorization: basic(secret) },
    credentials: 'basic',
    ip: '127.0.0.1',
    body: Array.from({ length: Math.min(100, house.maxEvents) }, () => ({ userId: 'u1' })),
  })
  if (!verdict.ok) throw new Error(`nothing was spent: ${verdict.reason}`)
}

function toKnown(name: string, secret: string, fields: Partial<CreateKeyInput>, state: State): KnownKey {
  const isGood = state === 'good' || state === 'in grace'
  const { sourceType, ...rules } = fields
  return {
    name,
    secret,
    state: isGood ? 'good' : state === 'paused' || state === 'spent' ? state : 'dead',
    ...(sourceType === 'server' && { isServer: true }),
    ...(rules as Partial<KnownKey>),
  }
}
