import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConfigError } from '../../src/runtime/config-error.ts'
import {
  callback,
  flag,
  group,
  having,
  list,
  nullable,
  number,
  oneOf,
  optional,
  readOptions,
  text,
  whole,
} from '../../src/runtime/options.ts'

const readers = {
  timeoutMs: number(1, 10_000, 50),
  maxKeys: whole(1, 10_000_000, 100_000),
  mode: oneOf(['leased', 'strict'], 'leased'),
  page: flag(true),
  prefix: text(/^[a-z:]{1,8}$/, '1 to 8 of a-z and :', 'writekey'),
  onEvent: callback<(event: string) => void>(),
  limiter: having<{ consume(): void; close(): void }>(['consume', 'close'], 'a limiter'),
  rateLimitEps: nullable(number(0.001, 1_000_000)),
  processes: optional(whole(1, 100)),
  names: list(text(/^[a-z]+$/, 'a word of a-z'), 'a list of words'),
  cache: group({ leaseMs: number(50, 600_000, 2_000) }),
}

const read = (given: unknown) => readOptions('createThing', given, readers)

function refusal(given: unknown): ConfigError {
  try {
    read(given)
  } catch (error) {
    return error as ConfigError
  }
  throw new Error('nothing was refused')
}

describe('readOptions', () => {
  it('fills in what was left out, and takes undefined for left out', () => {
    const defaults = {
      timeoutMs: 50,
      maxKeys: 100_000,
      mode: 'leased',
      page: true,
      prefix: 'writekey',
      onEvent: undefined,
      limiter: undefined,
      rateLimitEps: null,
      processes: undefined,
      names: [],
      cache: { leaseMs: 2_000 },
    }
    expect(read({})).toEqual(defaults)
    expect(read({ timeoutMs: undefined, cache: undefined, mode: undefined })).toEqual(defaults)
    expect(read({ cache: { leaseMs: undefined } })).toEqual(defaults)
  })

  it('gives what was given', () => {
    const onEvent = () => {}
    const limiter = { consume() {}, close() {} }
    const given = {
      timeoutMs: 1.5,
      maxKeys: 2,
      mode: 'strict',
      page: false,
      prefix: 'a:',
      onEvent,
      limiter,
      rateLimitEps: 5,
      processes: 3,
      names: ['a', 'b'],
      cache: { leaseMs: 100 },
    }
    expect(read(given)).toEqual(given)
  })

  it.each([
    [{ timeoutMs: 0 }, 'timeoutMs', 'timeoutMs must be a number from 1 to 10 000; received 0.'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs', 'timeoutMs must be a number from 1 to 10 000; received NaN.'],
    [{ timeoutMs: null }, 'timeoutMs', 'timeoutMs must be a number from 1 to 10 000; received null.'],
    [{ maxKeys: 1.5 }, 'maxKeys', 'maxKeys must be a whole number from 1 to 10 000 000; received 1.5.'],
    [{ page: 'yes' }, 'page', 'page must be true or false; received a string of 3 characters.'],
    [
      { rateLimitEps: 0 },
      'rateLimitEps',
      'rateLimitEps must be a number from 0.001 to 1 000 000; received 0.',
    ],
    [{ onEvent: {} }, 'onEvent', 'onEvent must be a function; received an object.'],
    [{ limiter: new Map() }, 'limiter', 'limiter must be a limiter; this one has no consume, no close.'],
    [{ limiter: null }, 'limiter', 'limiter must be a limiter; received null.'],
    [{ names: 'a' }, 'names', 'names must be a list of words; received a string of 1 characters.'],
    [{ names: ['a', 7] }, 'names[1]', 'names[1] must be a word of a-z; received 7.'],
    [{ cache: null }, 'cache', 'cache must be an object; received null.'],
    [
      { cache: { leaseMs: 1 } },
      'cache.leaseMs',
      'cache.leaseMs must be a number from 50 to 600 000; received 1.',
    ],
    [{ cache: { leasems: 1 } }, 'leasems', 'cache has no option "leasems". Did you mean "leaseMs"?'],
    [{ timeout: 5 }, 'timeout', 'createThing has no option "timeout". Did you mean "timeoutMs"?'],
    [
      { frobnicate: 5 },
      'frobnicate',
      `createThing has no option "frobnicate". It takes ${Object.keys(readers).join(', ')}.`,
    ],
    [
      { mode: 'lease' },
      'mode',
      "mode must be 'leased' or 'strict'; received a string of 5 characters. Did you mean 'leased'?",
    ],
    [[], 'options', 'createThing takes an object of options; received a list of 0.'],
    [
      Promise.resolve({ page: false }),
      'options',
      'createThing takes an object of options; received a promise: await it first.',
    ],
    [new Map(), 'options', 'createThing takes an object of options; received an object of class Map.'],
    [{ cache: new Map() }, 'cache', 'cache must be an object; received an object of class Map.'],
    [
      new (class {
        get time_out_ms() {
          return 5
        }
      })(),
      'time_out_ms',
      'createThing has no option "time_out_ms". Did you mean "timeoutMs"?',
    ],
    [undefined, 'options', 'createThing takes an object of options; received nothing.'],
  ])('refuses %j and says what would be right', (given, option, message) => {
    const error = refusal(given)
    expect({ name: error.name, code: error.code, option: error.option, message: error.message }).toEqual({
      name: 'ConfigError',
      code: 'invalid_config',
      option,
      message,
    })
  })

  it('names the class of an object that is none of these', () => {
    expect(refusal({ page: new Date() }).message).toBe(
      'page must be true or false; received an object of class Date.',
    )
  })

  it('repeats no text that was given, whatever it stands in', () => {
    const secret = fc.stringMatching(/^[A-Z0-9]{12,60}$/)
    const place = fc.constantFrom(...Object.keys(readers))
    fc.assert(
      fc.property(secret, place, (value, name) => {
        for (const given of [
          { [name]: value },
          { [name]: [value] },
          { [name]: { [`${value}-`]: 1 } },
          value,
        ]) {
          let message = ''
          try {
            read(given)
          } catch (error) {
            message = String(error)
          }
          expect(message).not.toContain(value)
        }
      }),
    )
  })

  it('knows its own properties only', () => {
    expect(refusal({ toString: 1 }).message).toContain('createThing has no option "toString".')
    expect(refusal(JSON.parse('{ "__proto__": 1 }')).message).toContain('createThing has no option')
  })
})
