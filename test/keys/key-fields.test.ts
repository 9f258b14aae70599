import { describe, expect, it } from 'vitest'
import { parseScalarFields, readKeyFields } from '../../src/keys/key-fields.ts'
import { decodeCursor, encodeCursor, type ListKeysQuery, parseListQuery } from '../../src/keys/list-query.ts'
import { KeyError } from '../../src/runtime/errors.ts'

const now = Date.UTC(2026, 0, 15, 12)
const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic

/** What `call` throws, as `field: message`. */
function refusal(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    expect(error.code).toBe('invalid_field')
    return `${error.field}: ${error.message}`
  }
  return 'not refused'
}

const create = (input: unknown) => parseScalarFields(readKeyFields(input, 'create'), 'create', now)

describe('the fields of a key', () => {
  it.each([
    ['name', 'a'],
    ['name', 'é'.repeat(100)],
    ['name', '🌍'.repeat(100)],
    ['name', ' padded '],
    ['sourceType', 'web'],
    ['sourceType', 'other'],
    ['environment', 'eu-1_b.c'],
    ['rateLimitEps', 0.001],
    ['rateLimitEps', 1_000_000],
    ['rateLimitEps', null],
    ['expiresAt', null],
    ['metadata', null],
    ['metadata', { a: [1, { b: null }], ключ: 'значение' }],
  ])('may have %s %j', (field, value) => {
    expect(create({ [field]: value })).toEqual({ [field]: value })
  })

  it.each([
    [new Date(now + 1), now + 1],
    [now + 1.5, now + 1],
    [8_640_000_000_000_000, 8_640_000_000_000_000],
    ['2026-01-15T12:00:00.001Z', now + 1],
    ['2026-01-15T14:00+01:00', now + 3_600_000],
  ])('may expire at %j', (expiresAt, at) => {
    expect(create({ expiresAt })).toEqual({ expiresAt: at })
  })

  const nameProblems: [unknown, string][] = [
    [undefined, 'not refused'],
    [null, 'name: name must be a string of 1 to 100 characters'],
    [7, 'name: name must be a string of 1 to 100 characters'],
    [['x'], 'name: name must be a string of 1 to 100 characters'],
    ['', 'name: name must have 1 to 100 characters'],
    ['   ', 'name: name must have 1 to 100 characters'],
    ['x'.repeat(101), 'name: name must have 1 to 100 characters'],
    ['a\nb', 'name: name must not contain control characters or line breaks'],
    ['a\0', 'name: name must not contain control characters or line breaks'],
    ['a\u2028b', 'name: name must not contain control characters or line breaks'],
    [' \u3164\u00ad', 'name: name must have a character that people can see'],
    ['a\ud800', 'name: name must be well-formed Unicode'],
  ]
  it.each(nameProblems)('says what is wrong with the name %j', (name, problem) => {
    expect(refusal(() => create({ name }))).toBe(problem)
  })

  it.each([null, '', 'Web', 'browser', 1, ['web'], { toString: () => 'web' }])(
    'refuses the source type %j',
    (sourceType) => {
      expect(refusal(() => create({ sourceType }))).toBe(
        'sourceType: sourceType must be one of web, mobile, server, other',
      )
    },
  )

  it.each([null, '', 'a b', 'a/b', 'x'.repeat(65), 7])('refuses the environment %j', (environment) => {
    expect(refusal(() => create({ environment }))).toBe(
      'environment: environment must be 1 to 64 characters of A-Z a-z 0-9 . _ -',
    )
  })

  it.each([
    0,
    -1,
    1e-320,
    Number.MIN_VALUE,
    0.000_999,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1_000_001,
    '500',
    true,
    [500],
  ])('refuses the rate %j', (rateLimitEps) => {
    expect(refusal(() => create({ rateLimitEps }))).toMatch(
      /^rateLimitEps: rateLimitEps must be a number of events per second from 0\.001 to 1000000/,
    )
  })

  it.each([
    '2026-01-16',
    '2026-01-16T00:00:00',
    'tomorrow',
    true,
    Number.NaN,
    1e300,
    8_640_000_000_000_001,
    new Date(Number.NaN),
    {},
    ['2026-01-16T00:00:00Z'],
  ])('refuses the moment %j', (expiresAt) => {
    expect(refusal(() => create({ expiresAt }))).toMatch(/^expiresAt: expiresAt must be a Date, milliseconds/)
  })

  it.each([now, now - 1, new Date(0), '2020-01-01T00:00:00Z'])('refuses the past moment %j', (expiresAt) => {
    expect(refusal(() => create({ expiresAt }))).toBe(
      'expiresAt: expiresAt must lie in the future; revoke the key to end it now',
    )
  })

  it.each([
    ['text', 'x'],
    ['a number', Number.NaN],
    ['a list', [1]],
    ['more than 4 096 bytes', { a: 'x'.repeat(4_096) }],
    ['a cycle', cyclic],
    ['a BigInt', { a: 1n }],
    ['an own __proto__', JSON.parse('{"a":{"__proto__":{"b":1}}}')],
    ['what JSON makes a text of', new Date(0)],
    ['what JSON makes nothing of', { toJSON: () => undefined }],
    ['what JSON makes null of', new Date(Number.NaN)],
  ])('refuses metadata that is %s', (_, metadata) => {
    expect(refusal(() => create({ metadata }))).toBe(
      'metadata: metadata must be an object that survives JSON, at most 4096 bytes of it, or null',
    )
  })

  it('refuses metadata of which JSON would lose something', () => {
    class Plain {}
    for (const lost of [
      new Map([['a', 1]]),
      new Set([1]),
      /a/,
      new Error('x'),
      Promise.resolve(),
      new Plain(),
    ])
      for (const metadata of [lost, { a: lost }, { a: [{ b: lost }] }])
        expect(refusal(() => create({ metadata }))).toMatch(
          /survives JSON.*; it contains (a promise|an object of class )/,
        )
    for (const lost of [() => {}, Symbol('s')])
      expect(refusal(() => create({ metadata: { a: lost } }))).toMatch(/; it contains a (function|symbol)/)
    class Customer {
      id = 7
    }
    const metadata = {
      since: new Date(0),
      none: undefined,
      by: new Customer(),
      bare: Object.create(null),
      empty: {},
    }
    expect(create({ metadata })).toEqual({
      metadata: { since: '1970-01-01T00:00:00.000Z', by: { id: 7 }, bare: {}, empty: {} },
    })
  })

  it.each([Number.NaN, Number.NEGATIVE_INFINITY, JSON.parse('1e999')])('refuses %s in metadata', (number) => {
    expect(refusal(() => create({ metadata: { list: [number] } }))).toBe(
      'metadata: metadata must not contain numbers that JSON cannot hold: NaN, or one beyond 1.8e308',
    )
    expect(create({ metadata: { list: [Number.MAX_VALUE] } })).toEqual({
      metadata: { list: [Number.MAX_VALUE] },
    })
  })

  it.each([
    ['workspace', 'acme@example.com', 'a b', /^workspace: workspace must be 1 to 100 characters .* or null/],
    ['plan', 'pro', 'a b', /^plan: plan must be 1 to 64 characters .* or null/],
  ])('takes a %s of few characters, and null', (field, good, bad, problem) => {
    expect(create({ [field]: good })).toEqual({ [field]: good })
    expect(create({ [field]: null })).toEqual({ [field]: null })
    for (const value of [bad, '', 7, ['a'], {}, false])
      expect(refusal(() => create({ [field]: value }))).toMatch(problem)
  })

  it('takes metadata of 4 096 bytes, not characters', () => {
    const metadata = (length: number) => ({ a: 'x'.repeat(length - '{"a":""}'.length) })
    expect(create({ metadata: metadata(4_096) })).toEqual({ metadata: metadata(4_096) })
    expect(refusal(() => create({ metadata: metadata(4_097) }))).toMatch(/^metadata/)
    expect(refusal(() => create({ metadata: { a: 'é'.repeat(2_045) } }))).toMatch(/^metadata/)
  })

  it('refuses NUL in metadata, which not every store can hold', () => {
    expect(refusal(() => create({ metadata: { a: 'x\0' } }))).toBe(
      'metadata: metadata must not contain NUL characters',
    )
  })

  it('copies metadata, so that nobody changes it later', () => {
    const metadata = { list: [1] }
    const parsed = create({ metadata })
    metadata.list.push(2)
    expect(parsed.metadata).toEqual({ list: [1] })
  })

  it.each([
    [null, 'null'],
    [undefined, 'nothing'],
    ['x', 'a string of 1 characters'],
    [7, '7'],
    [[{}], 'a list of 1'],
    [Promise.resolve({ name: 'a' }), 'a promise: await it first'],
    [new Map([['name', 'a']]), 'an object of class Map'],
    [new URLSearchParams('name=a'), 'an object of class URLSearchParams'],
  ])('refuses %s in place of fields', (input, received) => {
    const problem = `input must be an object with the fields of a write key; received ${received}`
    expect(refusal(() => create(input))).toBe(`input: ${problem}`)
  })

  it('are read from the getters of a class, and none of them is missed', () => {
    class Form {
      get name() {
        return 'Shop'
      }
      save() {}
    }
    class OldForm extends Form {
      get allowedOrigin() {
        return ['https://shop.example.com']
      }
    }
    expect(create(new Form())).toEqual({ name: 'Shop' })
    expect(refusal(() => create(new OldForm()))).toMatch(/^allowedOrigin: allowedOrigin is not a field/)
    expect(refusal(() => create(Object.create({ allowedOrigin: [] })))).toMatch(/^allowedOrigin/)
  })

  it.each([Promise.resolve({ a: 1 }), new Map([['a', 1]]), new Set([1]), new URLSearchParams('a=1')])(
    'refuses %s as metadata, which would be empty',
    (metadata) => {
      expect(refusal(() => create({ metadata }))).toMatch(
        /^metadata: metadata must be an object that survives JSON/,
      )
    },
  )

  it('refuses fields nobody knows by name, as far as it is a name', () => {
    expect(refusal(() => create({ status: 'active' }))).toMatch(
      /^status: status is not a field that can be set; use name, sourceType,/,
    )
    for (const secret of ['sk_live_0123', 'kZ9aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT', 'x'.repeat(41)])
      expect(refusal(() => create({ [secret]: 1 }))).toMatch(/^a field: a field is not a field/)
    expect(refusal(() => create(JSON.parse('{"__proto__":1}')))).toMatch(/is not a field that can be set/)
  })

  it('refuses to move a key to another environment', () => {
    const update = () => parseScalarFields({ environment: 'staging' }, 'update', now)
    expect(refusal(update)).toMatch(/^environment: environment is not a field that can be changed/)
  })

  it('takes undefined for absent', () => {
    expect(create({ name: undefined, metadata: undefined, nonsense: undefined })).toEqual({})
  })

  it('ignores what a polluted prototype adds', () => {
    Object.defineProperty(Object.prototype, 'plan', { value: 'pro', writable: true, configurable: true })
    try {
      expect(create({ name: 'a' })).toEqual({ name: 'a' })
    } finally {
      Reflect.deleteProperty(Object.prototype, 'plan')
    }
  })
})

describe('a list query', () => {
  const newestFirst = { sort: { by: 'created_at', descending: true } }

  it('has 50 keys a page by default, the newest first', () => {
    expect(parseListQuery({})).toEqual({ limit: 50, ...newestFirst })
  })

  it('keeps every filter', () => {
    const query = { status: 'active', sourceType: 'web', environment: 'x', q: 'shop', limit: 100 } as const
    expect(parseListQuery(query)).toEqual({ ...query, ...newestFirst })
    expect(parseListQuery({ q: '', sort: 'name' })).toEqual({
      limit: 50,
      sort: { by: 'name', descending: false },
    })
  })

  it.each([
    ['status', 'gone', 'status: status must be one of active, paused, revoked'],
    ['sourceType', 'x', 'sourceType: sourceType must be one of web, mobile, server, other'],
    ['environment', 1, 'environment: environment must be 1 to 64 characters of A-Z a-z 0-9 . _ -'],
    ['q', 'x'.repeat(101), 'q: q must be a text of at most 100 characters'],
    ['q', 'a\0', 'q: q must be a text of at most 100 characters'],
    ['limit', 0, 'limit: limit must be a whole number from 1 to 100'],
    ['limit', 101, 'limit: limit must be a whole number from 1 to 100'],
    ['limit', 1.5, 'limit: limit must be a whole number from 1 to 100'],
    ['limit', '10', 'limit: limit must be a whole number from 1 to 100'],
    [
      'sort',
      'color',
      'sort: sort must be one of created_at, name, environment, source_type, last_event_at, events_24h, rejected_24h, or one of them behind -',
    ],
    ['cursor', 'junk', 'cursor: cursor must be the nextCursor of an earlier page'],
    ['cursor', 7, 'cursor: cursor must be the nextCursor of an earlier page'],
  ])('refuses %s %j', (field, value, problem) => {
    expect(refusal(() => parseListQuery({ [field]: value } as ListKeysQuery))).toBe(problem)
  })

  it('asks about status and concern at its own time, in whole milliseconds', () => {
    expect(parseListQuery({ effectiveStatus: 'rotating', concern: 'unused' }, now + 0.5)).toEqual({
      limit: 50,
      ...newestFirst,
      effectiveStatus: { is: 'rotating', at: now },
      concern: { is: 'unused', at: now },
    })
  })

  it('keeps what is there, and nothing that is undefined', () => {
    const most = { workspace: 'acme', plan: 'pro', q: 'x'.repeat(100), limit: 1 }
    expect(parseListQuery(most)).toEqual({ ...most, ...newestFirst })
    expect(parseListQuery({ workspace: null })).toEqual({ limit: 50, ...newestFirst, workspace: null })
    expect(
      Object.keys(parseListQuery({ plan: undefined, status: undefined, q: undefined } as never)),
    ).toEqual(['limit', 'sort'])
    for (const by of ['events_24h', '-rejected_24h'] as const)
      expect(parseListQuery({ sort: by })).toEqual({ limit: 50, ...newestFirst })
  })

  it.each([
    [
      'effectiveStatus',
      'gone',
      /^effectiveStatus: .* must be one of active, paused, revoked, expired, rotating$/,
    ],
    ['concern', 'x', /^concern: .* must be one of grace_ending, old_secret, unused$/],
    ['plan', 7, /^plan: plan must be 1 to 64 characters of/],
    ['plan', 'a\0', /^plan: plan must be 1 to 64 characters of/],
    ['environment', 'a\0', /^environment: environment must be 1 to 64 characters of/],
    ['q', 7, /^q: q must be a text of at most 100 characters$/],
    ['q', 'a\ud800', /^q: q must be a text of at most 100 characters$/],
    ['sort', 7, /^sort: sort must be one of created_at/],
    ['workspace', undefined, /^workspace/],
  ])('refuses %s %j as well', (field, value, problem) => {
    expect(refusal(() => parseListQuery({ [field]: value } as ListKeysQuery))).toMatch(problem)
  })

  it('keeps the moment of an order by counts, and of no other', () => {
    const counted = { value: 0, id: 'wk_abc', at: now }
    expect(decodeCursor(encodeCursor(counted), 'events_24h')).toEqual(counted)
    expect(decodeCursor(encodeCursor(counted), 'created_at')).toEqual({ value: 0, id: 'wk_abc' })
    const early = { value: 3, id: 'wk_abc' }
    expect(decodeCursor(encodeCursor(early), 'rejected_24h')).toEqual(early)
    for (const at of [-1, 0.5])
      expect(refusal(() => decodeCursor(encodeCursor({ ...counted, at }), 'events_24h'))).toMatch(/^cursor/)
    for (const value of ['a\0', 'a\ud800'])
      expect(refusal(() => decodeCursor(encodeCursor({ value, id: 'wk_abc' }), 'name'))).toMatch(/^cursor/)
  })

  it('reads back its own cursor, and no other', () => {
    const position = { value: 1_768_478_400_000, id: 'wk_abc' }
    expect(decodeCursor(encodeCursor(position), 'created_at')).toEqual(position)
    const named = { value: 'a "name"', id: 'wk_abc' }
    expect(decodeCursor(encodeCursor(named), 'name')).toEqual(named)
    expect(refusal(() => decodeCursor(encodeCursor(named), 'created_at'))).toMatch(/^cursor/)
    expect(refusal(() => decodeCursor(encodeCursor(position), 'name'))).toMatch(/^cursor/)
    const others = [
      '',
      '1',
      '[]',
      '[1]',
      '[1,"wk;drop"]',
      '[-1,"wk"]',
      '[0.5,"wk"]',
      `[1,"${'x'.repeat(81)}"]`,
    ]
    for (const text of [...others, 'x'.repeat(300)]) {
      expect(refusal(() => decodeCursor(Buffer.from(text).toString('base64url'), 'created_at'))).toMatch(
        /^cursor/,
      )
    }
    expect(refusal(() => decodeCursor([...Buffer.from('[1,"wk"]')], 'created_at'))).toMatch(/^cursor/)
  })

  it('has a cursor of 4 000 characters at most', () => {
    const named = (length: number) => encodeCursor({ value: 'x'.repeat(length), id: 'wk' })
    const longest = 3_000 - Buffer.from(named(0), 'base64url').length
    expect(named(longest)).toHaveLength(4_000)
    expect(decodeCursor(named(longest), 'name')).toMatchObject({ id: 'wk' })
    expect(refusal(() => decodeCursor(named(longest + 1), 'name'))).toMatch(/^cursor/)
  })
})
