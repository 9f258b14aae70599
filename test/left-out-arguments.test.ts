import { describe, expect, it } from 'vitest'
import { guardListener, guardServer, writeKeyAuth } from '../adapters/node.ts'
import { createAdminApi } from '../src/admin/index.ts'
import { createWriteKeys, parsePeppers } from '../src/index.ts'
import { createIngestApi } from '../src/ingest/index.ts'
import { measureWithPrometheus, openTelemetry, prometheus } from '../src/metrics/index.ts'
import { createRedisHints, createRedisLimiter } from '../src/redis/index.ts'
import { createSqlStore } from '../src/stores/sql/index.ts'

const keys = createWriteKeys({ logger: false })
type Loose = (...given: unknown[]) => unknown

it.each<[string, Loose, unknown[], RegExp]>([
  ['parsePeppers', parsePeppers as Loose, [], /^pepper must be a text, .* received nothing/],
  ['prometheus', prometheus as Loose, [keys], /^prometheus takes an object of options; received nothing/],
  ['prometheus', prometheus as Loose, [keys, {}], /^registry must be a registry of prom-client/],
  [
    'openTelemetry',
    openTelemetry as Loose,
    [keys, { registry: {} }],
    /^openTelemetry has no option "registry"/,
  ],
  ['openTelemetry', openTelemetry as Loose, [keys, { meter: {} }], /^meter must be a Meter of OpenTelemetry/],
  [
    'measureWithPrometheus',
    measureWithPrometheus as Loose,
    [keys],
    /^registry must be a registry of prom-client/,
  ],
  [
    'createSqlStore',
    createSqlStore as Loose,
    [{ url: undefined }],
    /^url is undefined: is its environment variable set\?/,
  ],
  [
    'createSqlStore',
    createSqlStore as Loose,
    [{ pool: undefined }],
    /^pool is undefined: it must be a pool of pg/,
  ],
  [
    'createSqlStore',
    createSqlStore as Loose,
    [{ db: undefined }],
    /^db is undefined: it must be a Kysely instance/,
  ],
  ['createSqlStore', createSqlStore as Loose, [{}], /^createSqlStore takes one of url, pool and db/],
  [
    'createRedisLimiter',
    createRedisLimiter as Loose,
    [{ client: undefined }],
    /^client is undefined: it must be a/,
  ],
  [
    'createRedisHints',
    createRedisHints as Loose,
    [{ client: undefined }],
    /^client is undefined: it must be a/,
  ],
  ['createRedisHints', createRedisHints as Loose, [{}], /^client must be a .*; received nothing/],
  ['guardListener', guardListener as Loose, [() => {}, keys], /^path must be/],
  ['createAdminApi', createAdminApi as Loose, [keys], /^tokens must be a list with at least one token/],
  ['createIngestApi', createIngestApi as Loose, [keys], /^onEvents must be a function/],
])('%s names what is missing', (_, call, given, message) => {
  expect(() => call(...given)).toThrow(
    expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }),
  )
})

it('a type of events in another case is told the right one', () => {
  expect(() => writeKeyAuth(keys, { eventType: 'Identify' })).toThrow(
    /^eventType must be .*did you mean 'identify'\?$/,
  )
  expect(() => writeKeyAuth(keys, { eventType: 'Batch' })).toThrow("did you mean 'batch'?")
  for (const [misspelt, meant] of Object.entries({
    tracks: 'track',
    Pages: 'page',
    identifies: 'identify',
    Aliases: 'alias',
    batches: 'batch',
    i: 'identify',
    b: 'batch',
  }))
    expect(() => writeKeyAuth(keys, { eventType: misspelt })).toThrow(`did you mean '${meant}'?`)
  for (const impossible of ['', ' ', 'track\n', 'a\u0000b', ' track', 'x'.repeat(65)])
    expect(() => writeKeyAuth(keys, { eventType: impossible })).toThrow(
      /eventType must be an event type such as/,
    )
  const own = createWriteKeys({ eventTypes: ['tracks', 'order.paid'] })
  for (const eventType of ['tracks', 'order.paid', 'refund', 'x'.repeat(64)]) writeKeyAuth(own, { eventType })
  for (const eventType of ['identify', 'batch', 'order', 'Order', 'match', 'trace', 'identity', 'o'])
    writeKeyAuth(keys, { eventType })
})

it('a type like one of the keys is asked about', () => {
  const warnings: string[] = []
  const told = createWriteKeys({
    logger: { warn: (_, text) => void warnings.push(text) },
    eventTypes: ['tracked'],
  })
  for (const eventType of ['identfy', 'tracked', 'order', '__proto__', '-_-_-_-_-'])
    writeKeyAuth(told, { eventType })
  expect(warnings).toEqual([
    'writekey: a guard has the eventType identfy. Is it identify? A type of your own belongs to the option eventTypes.',
  ])
})

it('guardServer names the server first', () => {
  expect(() => (guardServer as Loose)(undefined, keys)).toThrow(/^server must be/)
})

it('a secret in the place of an id is told so, and not repeated', async () => {
  const { key } = await keys.create({ name: 'Shop', sourceType: 'web' })
  for (const call of [keys.revoke, keys.get, keys.rotate]) {
    const error = await (call as (id: string) => Promise<unknown>)(key).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/^This is a secret and no id/),
    })
    expect(String(error)).not.toContain(key)
  }
})

it('an import of what is no list names the argument as TypeScript does', async () => {
  await expect(keys.import({} as never)).rejects.toMatchObject({ code: 'invalid_field', field: 'inputs' })
})

describe.each([
  'volumes',
  'get',
  'room',
  'plan',
  'find',
  'check',
  'usage',
  'usageOverview',
  'list',
  'audit',
  'create',
  'import',
  'update',
  'rotate',
  'endGrace',
  'pause',
  'resume',
  'revoke',
  'remove',
  'enforceTrial',
  'dropTrial',
] as const)('%s', (name) => {
  it.each([[null], [5], ['wk_abcdefgh'], [{}], [[null]], [[5]], [['zz']], [new Set(['wk_1'])]])(
    'of %j answers, or refuses it with a KeyError',
    async (given) => {
      const thrown = await (async () => (keys[name] as Loose)(given))().catch((error: unknown) => error)
      if (thrown instanceof Error) expect(thrown).toMatchObject({ name: 'KeyError' })
    },
  )
})
