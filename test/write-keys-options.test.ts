import { describe, expect, it, vi } from 'vitest'
import {
  createMemoryLimiter,
  createMemoryStore,
  createWriteKeys,
  type WriteKeysOptions,
} from '../src/index.ts'

const store = { get() {} }
const badValues: Record<keyof WriteKeysOptions, unknown[]> = {
  store: [null, 5, 'memory', {}, store],
  hints: [null, 5, {}],
  limiter: [null, 5, {}, { consume: 1 }],
  environment: [null, '', 5, {}, 'a b'],
  keyPrefix: [null, '', 5, 'sk live', 'sk:live_', 'é_', 'x'.repeat(200), 'sk\n'],
  pepper: [undefined, '', 'short', 5, [], [''], {}, [5], [null], [undefined], [undefined, 'old-pepper']],
  importedKeys: [null, '^[a-z]{32}$', {}, /[a-z]{32}/, /^(a|b){32}$/],
  credentials: [
    null,
    [],
    'cookie',
    ['cookie'],
    [5],
    {},
    ['basic', 'nope'],
    [null],
    { header: '' },
    { header: 'Cookie' },
  ],
  batchFields: [null, 'batch', [], [''], [5], ['__proto__'], {}],
  eventTypes: [null, 'track', [5], [''], {}, [null]],
  plans: [
    null,
    5,
    [],
    'free',
    { 'a b': {} },
    { free: null },
    { free: { rateLimitEps: 0 } },
    { free: { rate: 1 } },
  ],
  defaultPlan: [null, '', 5, {}, 'free'],
  maxKeysPerWorkspace: [null, 0, -1, 1.5, '5', Number.NaN, 1_000_001],
  defaultRateLimitEps: [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', {}],
  burstSeconds: [null, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1'],
  maxBodyBytes: [null, 0, -1, Number.NaN, 1.5, '100', Number.POSITIVE_INFINITY],
  eventBytes: [null, 0, -1, Number.NaN, 1.5, '100', Number.POSITIVE_INFINITY],
  maxPendingBodyBytes: [null, 0, -1, Number.NaN, 1.5, '100', Number.POSITIVE_INFINITY],
  maxEvents: [null, 0, -1, Number.NaN, 1.5, '3', Number.POSITIVE_INFINITY],
  onForbiddenEvent: [null, 'Reject', '', true, 'ignore'],
  serverKeysInBrowsers: [null, 'no', true],
  challenge: [null, 'none', true, ''],
  trustedProxies: [null, -1, 1.5, Number.NaN, 'loopback', true, ['nope'], {}, [5]],
  cache: [
    null,
    5,
    { maxKeys: 0 },
    { maxKeys: 1.5 },
    { leaseMs: 0 },
    { leaseMs: null },
    { staleOnOutageMs: -1 },
    { ttl: 1 },
  ],
  usage: [null, 5, { flushMs: 0 }, { retentionDays: 31 }, { interval: 1 }],
  activity: [5, 'x', { days: 1 }],
  onEvent: [null, 5, 'x', {}],
  logger: [null, 5, 'x', {}, { info() {} }],
  clock: [null, 5, 'x', {}],
}

describe('createWriteKeys', () => {
  for (const [option, values] of Object.entries(badValues)) {
    it(`refuses bad values of ${option}, naming it`, () => {
      for (const value of values) {
        expect(() => createWriteKeys({ [option]: value }), JSON.stringify(value)).toThrow(
          expect.objectContaining({
            name: 'ConfigError',
            code: 'invalid_config',
            message: expect.stringContaining(option),
          }),
        )
      }
    })
  }

  it('refuses options it does not know, and what is no object', () => {
    for (const options of [{ rateLimit: 3 }, { Store: 1 }, null, 5, 'x', []]) {
      expect(() => createWriteKeys(options as WriteKeysOptions)).toThrow(
        expect.objectContaining({ name: 'ConfigError' }),
      )
    }
  })

  it('warns of less room for bodies than the largest one takes, which would be busy for ever', async () => {
    const warned: string[] = []
    const note = (warning: Error) => warned.push(warning.message)
    const write = vi.spyOn(console, 'warn').mockImplementation((line) => void warned.push(line))
    process.on('warning', note)
    createWriteKeys({ maxPendingBodyBytes: 3_999_999 })
    createWriteKeys({ maxPendingBodyBytes: 3_999_999, logger: false })
    const logger = { warn: (_: object, line: string) => warned.push(line) }
    createWriteKeys({ credentials: ['basic', 'body'], maxBodyBytes: 100, maxPendingBodyBytes: 399, logger })
    createWriteKeys({ credentials: 'body', maxBodyBytes: 100, maxPendingBodyBytes: 400 })
    createWriteKeys({ maxBodyBytes: 100, maxPendingBodyBytes: 100 })
    const failing = { warn: () => Promise.reject(new Error('no log')) }
    createWriteKeys({ maxPendingBodyBytes: 3_999_999, logger: failing })
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    write.mockRestore()
    expect(warned).toEqual([
      'writekey: maxPendingBodyBytes is 3999999: larger bodies get 503 busy for ever. Set at least 4000000 (maxBodyBytes), or a lower maxBodyBytes.',
      'writekey: maxPendingBodyBytes is 399: larger bodies get 503 busy for ever. Set at least 400 (4 × maxBodyBytes, as bodies that hold the key share a quarter of it), or a lower maxBodyBytes.',
    ])
  })

  it('refuses a clock that gives no time, and names it', () => {
    for (const clock of [() => {}, async () => 5, () => 'now', { now: () => Number.NaN }])
      for (const create of [createWriteKeys, createMemoryLimiter])
        expect(() => create({ clock } as never)).toThrow(
          /^clock must (not be async: it must )?return a finite number of milliseconds/,
        )
    const clock = { now: () => 1, monotonic: () => {} }
    expect(() => createWriteKeys({ clock } as never)).toThrow(/^clock must return .*; it returned nothing/)
  })

  it('says which event type is taken', () => {
    for (const type of ['batch', 'B', 'Track', 't'])
      expect(() => createWriteKeys({ eventTypes: [type] })).toThrow(
        new RegExp(`^eventTypes must be names that differ.*; received "${type.toLowerCase()}"\\.$`),
      )
    expect(() => createWriteKeys({ eventTypes: ['order', 'Order'] })).toThrow(/received a name twice\.$/)
  })

  it('refuses places of the key and of events that can never work, with the reason', () => {
    const refused: [WriteKeysOptions, RegExp][] = [
      [{ credentials: { path: '/e/:key/:key' } }, /The path has the segment ":key" 2 times/],
      [{ credentials: [{ path: '/e' }] }, /The path has no segment ":key"\.$/],
      [{ credentials: { path: 'e/:key' } }, /The path must begin with "\/"\.$/],
      [{ credentials: { path: '/:id/:key' } }, /must be fixed: letters/],
      [{ credentials: { header: 'Cookie' } }, /The header field cookie cannot be that of the key\.$/],
      [{ credentials: { header: 'a', query: 'b' } as never }, /An object names one place\.$/],
      [{ credentials: ['basic', { body: 'batch' }] }, /batchFields names too: it holds the events/],
      [{ credentials: { body: 'data' }, batchFields: ['data'] }, /batchFields names too/],
      [{ batchFields: ['batch', 'type'] }, /batchFields must not name "type"/],
      [{ batchFields: ['event'] }, /batchFields must not name "event"/],
    ]
    for (const [options, reason] of refused) expect(() => createWriteKeys(options)).toThrow(reason)
    createWriteKeys({ credentials: { body: 'batch' }, batchFields: ['events'] })
  })

  it('refuses a Map of plans, and options of a store that has none', () => {
    const plans = new Map([['free', { rateLimitEps: 1 }]])
    expect(() => createWriteKeys({ plans } as never)).toThrow(/plans must be an object .* class Map/)
    expect(() => createMemoryStore({ foo: 1 } as never)).toThrow(
      'createMemoryStore has no option "foo". It takes none.',
    )
  })

  it('names the option that a misspelt one means', () => {
    expect(() => createWriteKeys({ trustedProxy: 1 } as WriteKeysOptions)).toThrow(
      'createWriteKeys has no option "trustedProxy". Did you mean "trustedProxies"?',
    )
    expect(() => createWriteKeys({ cache: { leasems: 1 } as never })).toThrow(
      'cache has no option "leasems". Did you mean "leaseMs"?',
    )
  })

  it('refuses a pepper from a variable that is not set, saying what stands for none', () => {
    expect(() => createWriteKeys({ pepper: process.env.NO_SUCH_PEPPER })).toThrow(
      'pepper must be a string of at least 8 characters, or null for none on purpose; received nothing.',
    )
  })

  it.each(['undefined', '        ', '$' + '{WRITEKEY_PEPPER}', '[object Object]'])(
    'refuses the pepper %j, which a variable left behind',
    (left) => {
      const refusal = /^pepper(\[1\])? is a placeholder or blank: is its environment variable set\?$/
      expect(() => createWriteKeys({ pepper: left })).toThrow(refusal)
      expect(() => createWriteKeys({ pepper: ['good-enough', left] })).toThrow(refusal)
    },
  )

  it('never repeats a pepper in what it throws', () => {
    expect(() => createWriteKeys({ pepper: ['good-enough', 'hush'] })).toThrow(/^(?!.*hush).*pepper\[1\]/)
  })

  it('takes every option left undefined, one credential source without a list, and half a logger', async () => {
    const options: WriteKeysOptions[] = [
      Object.fromEntries(
        Object.keys(badValues)
          .filter((option) => option !== 'pepper')
          .map((option) => [option, undefined]),
      ),
      { credentials: 'body' },
      { credentials: () => undefined },
      { pepper: null },
      { pepper: 'new-pepper' },
      { pepper: ['new-pepper', 'old-pepper', null] },
      { logger: { error() {} } },
      { logger: { warn() {} } },
      { defaultRateLimitEps: null },
    ]
    for (const each of options) await createWriteKeys(each).close()
  })
})
