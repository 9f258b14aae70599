import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys, type KeyStore, type WriteKeysOptions } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createLineLogger, loggerOf, loggerOption, noteLogger } from '../../src/verifier/logger.ts'
import { createToldLimiter } from '../limits/told-limiter.ts'

let lines: string[] = []

beforeEach(() => {
  lines = []
  for (const method of ['error', 'warn'] as const)
    vi.spyOn(console, method).mockImplementation((line) => lines.push(`${method} ${line}`))
})
afterEach(() => {
  vi.restoreAllMocks()
})

function breakable() {
  const inner = createMemoryStore()
  const state = { isBroken: false }
  const store: KeyStore = {
    ...inner,
    poll(question) {
      if (state.isBroken) throw new Error('no route to\n\u001b[31mthe database')
      return inner.poll(question)
    },
  }
  return { state, store }
}

async function setUp(options: WriteKeysOptions = {}) {
  const keys = createWriteKeys(options)
  const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
  const send = (headers: Record<string, string> = {}, secret = key) =>
    keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: basic(secret), ...headers },
      body: { event: 'a' },
    })
  return { keys, id: writeKey.id, send }
}

const outage = 'error writekey: the store failed or did not answer in time: no route to [31mthe database'

describe('the default logger', () => {
  it('tells of an outage once when it begins and once when it ends, each on one line', async () => {
    const { state, store } = breakable()
    const { keys, id, send } = await setUp({ store })
    for (let round = 0; round < 2; round++) {
      state.isBroken = true
      for (let count = 0; count < 3; count++) await send()
      state.isBroken = false
      await send()
      await new Promise((resolve) => setImmediate(resolve))
      // Nothing is cached any more.
      await keys.update(id, { name: `Round ${round}` })
    }
    // The second time it is back once that has lasted.
    expect(lines).toEqual([outage, 'warn writekey: the store is back', outage])
  })

  it('is silent on request, and leaves the line to a logger of the application', async () => {
    const { state, store } = breakable()
    const own: string[] = []
    const silent = await setUp({ store, logger: false })
    const told = await setUp({ store, logger: { error: (_, message) => own.push(message) } })
    state.isBroken = true
    await silent.send()
    await told.send()
    expect(lines).toEqual([])
    expect(own).toEqual(['writekey: the store failed or did not answer in time'])
  })

  it('tells of a bug once, with its place', async () => {
    const { send } = await setUp({
      credentials: [
        function findNothing() {
          throw new TypeError('undefined is not a function')
        },
      ],
    })
    await send()
    await send()
    expect(lines).toEqual([
      expect.stringMatching(
        /^error writekey: verification failed.*: undefined is not a function at .*logger\.test/,
      ),
    ])
  })

  it('tells of a limiter that goes without its server', async () => {
    const { limiter, tell } = createToldLimiter()
    createWriteKeys({ limiter })
    tell({ state: 'degraded', error: new Error('Redis is away') })
    tell({ state: 'recovered' })
    expect(lines).toEqual([
      'warn writekey: the shared limiter is unreachable; limits are kept locally: Redis is away',
      'warn writekey: the shared limiter is back',
    ])
  })

  it('warns once of X-Forwarded-For that nobody has spoken of, and not of junk with it', async () => {
    const { send } = await setUp()
    await send({ 'x-forwarded-for': '203.0.113.7' }, 'no key at all')
    await send()
    expect(lines).toEqual([])
    await send({ 'x-forwarded-for': '203.0.113.7' })
    await send({ 'x-forwarded-for': '203.0.113.8' })
    expect(lines).toEqual([expect.stringMatching(/^warn writekey: .*X-Forwarded-For.*trustedProxies/)])
  })

  it.each([[0], [1], [['10.0.0.0/8']]])('takes trustedProxies: %j for an answer', async (trustedProxies) => {
    const { send } = await setUp({ trustedProxies })
    await send({ 'x-forwarded-for': '203.0.113.7' })
    expect(lines).toEqual([])
  })

  it('is what the management API writes to, an outage once', async () => {
    const token = 't'.repeat(32)
    const answers = async (logger?: false) => {
      const { store, state } = breakable()
      const list = store.list
      store.list = (query) => {
        if (state.isBroken) throw new Error('away')
        return list(query)
      }
      const keys = createWriteKeys({ store, ...(logger === false && { logger }) })
      const api = createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })
      const ask = () =>
        api.fetch(
          new Request('http://localhost/api/v1/events/write-keys', {
            headers: { authorization: `Bearer ${token}` },
          }),
        )
      state.isBroken = true
      const failed = [(await ask()).status, (await ask()).status]
      state.isBroken = false
      const good = (await ask()).status
      state.isBroken = true
      return [...failed, good, (await ask()).status]
    }
    expect(await answers()).toEqual([500, 500, 200, 500])
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^error writekey: a management call failed: .*away/)
    lines = []
    await answers(false)
    expect(lines).toEqual([])
  })
})

describe('createLineLogger', () => {
  it('puts on one line the message, what is beside it, and the causes', () => {
    const written: string[] = []
    const logger = createLineLogger({
      error: (line) => written.push(line),
      warn: (line) => written.push(line),
    })
    const cause = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })
    logger.warn({ events: 3, refusals: 1 }, 'given up')
    logger.error({ err: Object.assign(new Error('The store failed.', { cause }), { code: 'x' }) }, 'failed')
    logger.error({ err: 'a text' }, 'failed')
    expect(written).toEqual([
      'given up (events 3, refusals 1)',
      'failed: The store failed.: connection refused',
      'failed: a text',
    ])
  })

  function lineOf(details: object, message = 'failed'): string | undefined {
    const written: string[] = []
    const take = (line: string) => void written.push(line)
    createLineLogger({ error: take, warn: take }).error(details, message)
    expect(written).toHaveLength(1)
    return written[0]
  }

  it('repeats no cause that the message names', () => {
    const err = new Error('away', { cause: new Error('no route') })
    expect(lineOf({ err }, 'the store is away')).toBe('the store is away: no route')
    expect(lineOf({}, 'failed')).toBe('failed')
    expect(lineOf({ err: null })).toBe('failed: null')
  })

  it('shows the place of what JavaScript itself throws, also as a cause, and of nothing else', () => {
    const bug = Object.assign(new RangeError('too long'), {
      stack: 'RangeError: too long\n    at sender   \n    at second',
    })
    expect(lineOf({ err: bug })).toBe('failed: too long at sender')
    expect(lineOf({ err: new Error('broken', { cause: bug }) })).toBe('failed: broken: too long at sender')
    for (const name of ['TypeError', 'ReferenceError', 'SyntaxError'])
      expect(lineOf({ err: Object.assign(bug, { name }) })).toBe('failed: too long at sender')
    expect(lineOf({ err: Object.assign(bug, { name: 'Error' }) })).toBe('failed: too long')
    // Not every engine writes frames, nor a stack.
    expect(lineOf({ err: Object.assign(new TypeError('no'), { stack: 'TypeError: at once' }) })).toBe(
      'failed: no',
    )
    expect(lineOf({ err: Object.assign(new TypeError('no'), { stack: undefined as never }) })).toBe(
      'failed: no',
    )
  })

  it('keeps each part free of what ends a line or controls a terminal', () => {
    const err = new Error('\u0000one\r\n\u001b[2Jtwo\u007f\u0080three\u009f ~ ä')
    expect(lineOf({ path: '/a\nb' }, ' failed\n')).toBe('failed  (path /a b)')
    expect(lineOf({ err })).toBe('failed: one [2Jtwo three  ~ ä')
  })
})

describe('the option logger', () => {
  const read = (value: unknown) => loggerOption(value, 'logger')

  it('takes what has error, warn or both, as it is, and false for silence', () => {
    const [error, warn] = [() => {}, () => {}]
    for (const logger of [{ error }, { warn }, { error, warn }]) expect(read(logger)).toBe(logger)
    expect(read(false)).toBeUndefined()
    read(undefined)?.error?.({}, 'told')
    expect(lines).toEqual(['error told'])
  })

  it.each([null, true, 'console', {}, { info() {} }, { error: 'a', warn: 1 }])('refuses %j', (value) => {
    expect(() => read(value)).toThrow(
      'must be an object with the methods error, warn or both, such as pino makes, or false for silence',
    )
  })

  it('is found again by its write keys: the one noted, none, or standard error', () => {
    const [own, silent] = [{}, {}]
    const logger = { error() {} }
    noteLogger(own, logger)
    noteLogger(silent, undefined)
    expect(loggerOf(own)).toBe(logger)
    expect(loggerOf(silent)).toBeUndefined()
    loggerOf({})?.warn?.({}, 'told')
    expect(lines).toEqual(['warn told'])
  })
})
