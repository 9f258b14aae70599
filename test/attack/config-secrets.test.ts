import { describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as koaWriteKeyAuth } from '../../adapters/koa.ts'
import { resolveSetup } from '../../adapters/nestjs/module-options.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createMemoryLimiter, createWriteKeys } from '../../src/index.ts'
import { createRedisHints, createRedisLimiter } from '../../src/redis/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'

const secret = 'hunter2'
/** What people put in the wrong place, or in the right one in the wrong shape. */
const values: readonly unknown[] = [
  secret,
  ` ${secret}`,
  `postgres://u:${secret}@h/db`,
  `redis://:${secret}@h`,
  [secret],
  [[secret]],
  { [`${secret}!`]: 1 },
  { url: `postgres://u:${secret}@h/db` },
  [{ name: 'ops', token: secret, role: 'admin' }],
  [{ name: 'ops', token: 'x'.repeat(32), role: secret }],
  [{ name: { secret }, token: 'x'.repeat(32), role: 'admin' }],
]
const keys = createWriteKeys()

const factories: readonly (readonly [string, (options: never) => unknown, readonly string[]])[] = [
  [
    'createWriteKeys',
    createWriteKeys,
    [
      'store',
      'hints',
      'limiter',
      'keyPrefix',
      'pepper',
      'credentials',
      'eventTypes',
      'defaultRateLimitEps',
      'burstSeconds',
      'maxBodyBytes',
      'maxEvents',
      'onForbiddenEvent',
      'serverKeysInBrowsers',
      'challenge',
      'trustedProxies',
      'cache',
      'usage',
      'activity',
      'onEvent',
      'logger',
      'clock',
      'environment',
      'nonsense',
    ],
  ],
  [
    'createAdminApi',
    (options) => createAdminApi(keys, options),
    [
      'tokens',
      'authorize',
      'basePath',
      'page',
      'ingestPath',
      'frameAncestors',
      'trustedProxies',
      'logger',
      'now',
    ],
  ],
  ['createSqlStore', createSqlStore, ['url', 'db', 'tablePrefix', 'schema', 'notifications', 'dialect']],
  [
    'createRedisLimiter',
    createRedisLimiter,
    ['client', 'mode', 'onOutage', 'processes', 'timeoutMs', 'prefix', 'maxKeys', 'clock'],
  ],
  ['createRedisHints', createRedisHints, ['client', 'subscriber', 'channel']],
  ['createMemoryLimiter', createMemoryLimiter, ['maxKeys', 'clock', 'nonsense']],
  [
    "Express's writeKeyAuth",
    (options) => writeKeyAuth(keys, options),
    ['eventType', 'onRefused', 'requestProperty'],
  ],
  [
    "Koa's writeKeyAuth",
    (options) => koaWriteKeyAuth(keys, options),
    ['eventType', 'onRefused', 'requestProperty'],
  ],
  ['WriteKeyModule', resolveSetup, ['keys', 'admin', 'bodyReader', 'throwRefusals', 'store']],
]

describe.each(factories)('a refusal by %s', (_, create, names) => {
  function messageOf(options: unknown): string {
    try {
      create(options as never)
      return ''
    } catch (error) {
      const { message, option } = error as Error & { option?: string }
      return `${message} ${option}`
    }
  }

  it('never repeats what was given for options', () => {
    for (const value of values) expect(messageOf(value)).not.toContain(secret)
  })

  it.each(names)('never repeats what was given for %s', (name) => {
    const messages = values.map((value) => messageOf({ [name]: value }))
    for (const message of messages) expect(message).not.toContain(secret)
  })
})

it('refuses something, or this would prove nothing', () => {
  for (const [, create] of factories) {
    expect(() => create({ nonsense: secret } as never)).toThrow()
  }
})
