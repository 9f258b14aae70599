import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { StorePart, WriteKeyEvent } from '../../src/verifier/decision-event.ts'
import { createEventLog, isBodyTaken } from '../../src/verifier/event-log.ts'
import type { Logger } from '../../src/verifier/logger.ts'

type Line = [level: string, fields: object, text: string]

function start(levels = ['error', 'warn', 'info']) {
  const lines: Line[] = []
  const logger = Object.fromEntries(
    levels.map((level) => [level, (fields: object, text: string) => void lines.push([level, fields, text])]),
  )
  return { log: createEventLog(logger as unknown as Logger), lines }
}

const error = new Error('broken')
const taken = Object.assign(new Error('something has read the body'), { code: 'body_taken' })
const expiresAt = new Date(1_800_000_000_000)
const key = { keyId: 'wk_1', name: 'Web', workspace: null }
const secret = { keyId: 'wk_1', secretId: 'ws_1' }
const failed = (part: StorePart): WriteKeyEvent => ({ type: 'store_error', error, part })
const limits = { keyId: 'wk_1', rateLimitEps: 5 }
const change = { keyId: 'wk_1', action: 'rotate', actor: 'ops', address: '::1' } as const

const told: [WriteKeyEvent, string, object, RegExp][] = [
  [failed('questions'), 'error', { err: error }, /store failed or did not answer/],
  [failed('counts'), 'error', { err: error }, /takes no counts of usage/],
  [failed('index'), 'error', { err: error }, /does not tell which secrets exist/],
  [failed('lease'), 'error', { err: error }, /does not take the lease/],
  [failed('problems'), 'error', { err: error }, /problems and anomalies/],
  [failed('decisions'), 'error', { err: error }, /does not pass decisions on/],
  [failed('notices'), 'error', { err: error }, /which notices have been sent/],
  [failed('closing'), 'error', { err: error }, /closing is not complete/],
  [{ type: 'store_recovered' }, 'warn', {}, /the store is back/],
  [{ type: 'index_missing' }, 'warn', {}, /does not tell which secrets exist; keys that are not cached/],
  [{ type: 'hints_error', error }, 'warn', { err: error }, /hints of changes fail/],
  [{ type: 'hints_recovered' }, 'warn', {}, /hints of changes are back/],
  [{ type: 'internal_error', error }, 'error', { err: error }, /verification failed; .* refused with 503/],
  [
    { type: 'internal_error', error: taken },
    'warn',
    { err: taken },
    /^writekey: something has read the body$/,
  ],
  [
    { type: 'refused', reason: 'handler_failed', keyId: 'wk_1', error },
    'error',
    { err: error, keyId: 'wk_1' },
    /onEvents failed/,
  ],
  [{ type: 'stale_accept', keyId: 'wk_1' }, 'warn', { keyId: 'wk_1' }, /while the store is unreachable/],
  [
    { type: 'unknown_plan', keyId: 'wk_1', plan: 'gone' },
    'warn',
    { keyId: 'wk_1', plan: 'gone' },
    /option plans does not name/,
  ],
  [
    { type: 'ambiguous_path', eventTypes: ['identify', 'track'] },
    'warn',
    {},
    /…\/identify\/track, .* names two event types.*option eventType$/,
  ],
  [{ type: 'pepper_missing', error }, 'error', { err: error }, /answered with 503/],
  [{ type: 'peppers_unchecked' }, 'warn', {}, /does not remember what keys were hashed with/],
  [
    { type: 'forwarded_for_ignored' },
    'warn',
    {},
    /X-Forwarded-For while trustedProxies is not set.* number of proxies, or to 0/,
  ],
  [
    { type: 'key_changed', ...change, workspace: null, at: expiresAt, fields: [] },
    'info',
    change,
    /a key was changed: rotate$/,
  ],
  [
    { type: 'key_expiring', ...key, expiresAt, days: 10 },
    'warn',
    { keyId: 'wk_1', expiresAt: expiresAt.toISOString() },
    /ends within 10 days$/,
  ],
  [
    { type: 'key_expiring', ...key, expiresAt, days: 1 },
    'warn',
    { keyId: 'wk_1', expiresAt: expiresAt.toISOString() },
    /ends within 1 day$/,
  ],
  [
    { type: 'secret_old', ...key, ...secret, createdAt: expiresAt, days: 90 },
    'warn',
    secret,
    /is 90 days old; rotate it/,
  ],
  [{ type: 'rate_limit_reached', ...limits }, 'warn', limits, /sends more than it may/],
  [
    { type: 'grace_ending', ...secret, expiresAt },
    'warn',
    { ...secret, expiresAt: expiresAt.toISOString() },
    /rotated secret is still in use/,
  ],
  [
    { type: 'sender_unknown', keyId: 'wk_1', cause: 'forwarded_for' },
    'warn',
    { keyId: 'wk_1' },
    /forwarded address while trustedProxies is not set.* number of proxies, or to 0/,
  ],
  [
    { type: 'sender_unknown', keyId: 'wk_1', cause: 'no_address' },
    'warn',
    { keyId: 'wk_1' },
    /requests whose address cannot be told$/,
  ],
  [{ type: 'revision_regressed' }, 'warn', {}, /another history.* cached keys were dropped/],
  [
    { type: 'usage_dropped', events: 3, refusals: 2 },
    'warn',
    { events: 3, refusals: 2 },
    /counts of usage were given up/,
  ],
  [{ type: 'limiter_degraded', error }, 'warn', { err: error }, /shared limiter is unreachable/],
  [{ type: 'limiter_recovered' }, 'warn', {}, /shared limiter is back/],
]

describe('the log of events', () => {
  it.each(told.map((row) => [row[0].type, ...row] as const))(
    'tells of %s',
    (_, event, level, fields, text) => {
      const { log, lines } = start()
      log(event)
      expect(lines).toEqual([[level, fields, expect.stringMatching(text)]])
      expect(lines[0]?.[2]).toMatch(/^writekey: /)
    },
  )

  it('tells of no decision', () => {
    const { log, lines } = start()
    log({ type: 'accepted', keyId: 'wk_1', secretId: 'ws_1', events: 1, rejected: 0 })
    log({ type: 'refused', reason: 'unknown_key' })
    expect(lines).toEqual([])
  })

  it('tells of stale keys once for each outage', () => {
    const { log, lines } = start()
    const types = ['stale_accept', 'stale_accept', 'store_recovered', 'stale_accept', 'stale_accept'] as const
    for (const type of types) log({ type, keyId: 'wk_1' })
    expect(lines.map(([, , text]) => text.includes('unreachable'))).toEqual([true, false, true])
  })

  it('tells of a fault once, of each kind', () => {
    const { log, lines } = start()
    for (const message of ['one', 'other', 'one', 'other'])
      log({ type: 'internal_error', error: new Error(message) })
    for (let count = 0; count < 2; count++)
      log({ type: 'refused', reason: 'handler_failed', error: new Error('one') })
    log(failed('questions'))
    expect(lines.map(([, { err }]: [string, { err?: Error }, string]) => err?.message)).toEqual([
      'one',
      'other',
      'one',
      'broken',
    ])
  })

  it('tells of a store that comes and goes, and of hints that do, as back once that has lasted', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const { log, lines } = start()
    const texts = () => lines.splice(0).map(([, , text]) => text.replace('writekey: ', ''))
    const flap = () => {
      for (const event of [failed('questions'), { type: 'hints_error', error } as const]) log(event)
      vi.advanceTimersByTime(500)
      for (const type of ['store_recovered', 'hints_recovered'] as const) log({ type })
      vi.advanceTimersByTime(2_500)
    }
    flap()
    expect(texts()).toHaveLength(4)
    for (let count = 0; count < 20; count++) flap()
    expect(texts()).toHaveLength(2)
    // Another kind of fault is told at once.
    log({
      type: 'store_error',
      part: 'questions',
      error: Object.assign(new Error(), { code: 'schema_missing' }),
    })
    log({ type: 'store_recovered' })
    expect(texts()).toHaveLength(1)
    vi.advanceTimersByTime(299_000)
    expect(texts()).toEqual(['hints of changes are back'])
    vi.advanceTimersByTime(2_000)
    expect(texts()).toEqual(['the store is back'])
    flap()
    expect(texts()).toHaveLength(4)
  })

  it('remembers a hundred faults', () => {
    const { log, lines } = start()
    const meet = (fault: number) => log({ type: 'internal_error', error: new Error(String(fault)) })
    for (let fault = 0; fault < 100; fault++) meet(fault)
    for (let fault = 0; fault < 100; fault++) meet(fault)
    expect(lines).toHaveLength(100)
    meet(100)
    meet(0)
    expect(lines).toHaveLength(102)
  })

  it('leaves out what its logger has no method for, but for a body that something else has read', () => {
    const { log, lines } = start(['error'])
    log({ type: 'store_recovered' })
    log({ type: 'internal_error', error: taken })
    expect(lines).toEqual([['error', { err: taken }, expect.stringContaining('has read the body')]])
    const warns = start(['warn'])
    warns.log(failed('questions'))
    warns.log({ type: 'internal_error', error })
    expect(warns.lines).toEqual([])
  })

  it('calls the methods of a logger as such', () => {
    const logger = {
      lines: [] as string[],
      error(_: object, text: string) {
        this.lines.push(text)
      },
    }
    const log = createEventLog(logger)
    log(failed('questions'))
    log({ type: 'internal_error', error })
    expect(logger.lines).toHaveLength(2)
  })
})

it('a body was taken when the error says so', () => {
  expect([taken, error].map(isBodyTaken)).toEqual([true, false])
})
