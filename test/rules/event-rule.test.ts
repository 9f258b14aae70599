import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileEventRule, namedBy, normalizeEventNamePattern } from '../../src/rules/event-rule.ts'

interface Lists {
  types?: string[]
  allow?: string[]
  deny?: string[]
}

/** Long lists are looked up differently; every case is decided by them as well, and must come out the same. */
function check({ types, allow, deny }: Lists, type: string | null, event: object): string | undefined {
  const decision = decide({ types, allow, deny }, type, event)
  expect(decide({ types, allow: lengthen(allow), deny: lengthen(deny) }, type, event)).toBe(decision)
  return decision
}

const others = Array.from({ length: 20 }, (_, n) => `other ${n}${n % 2 ? '*' : ''}`)

function lengthen(patterns: string[] | undefined): string[] | undefined {
  return patterns && [...patterns, ...others]
}

function decide({ types, allow, deny }: Lists, type: string | null, event: object): string | undefined {
  const rule = compileEventRule({
    allowedEventTypes: types ?? null,
    allowedEventNames: allow ?? null,
    deniedEventNames: deny ?? null,
  })
  if (rule === null) throw new Error('no rule')
  const namedBy = rule.namesOf(type)
  if (namedBy === undefined) return badType
  return rule.allowsName(event as Record<string, unknown>, namedBy) ? undefined : badName
}

const badType = 'event_type_not_allowed'
const badName = 'event_name_not_allowed'

describe('normalizeEventNamePattern', () => {
  it.each(['Order Completed', 'billing/*', '*', 'x', ' padded ', '\u65e5\u672c', 'x'.repeat(200), '/.+/'])(
    'accepts %j',
    (text) => {
      expect(normalizeEventNamePattern(text)).toEqual({ pattern: text })
    },
  )

  it.each(['', 'x'.repeat(201), '*x', 'a*b', '**', 'a\nb', 'a\u0000', '\u007f', '\u0085'])(
    'refuses %j',
    (text) => {
      expect(normalizeEventNamePattern(text)).toEqual({ problem: expect.stringMatching(/^must /) })
    },
  )
})

describe('compileEventRule', () => {
  it('gives no rule for no lists and for an empty deny list', () => {
    expect(
      compileEventRule({ allowedEventTypes: null, allowedEventNames: null, deniedEventNames: null }),
    ).toBeNull()
    expect(
      compileEventRule({ allowedEventTypes: null, allowedEventNames: null, deniedEventNames: [] }),
    ).toBeNull()
  })

  describe('types', () => {
    it.each([
      ['track', undefined],
      ['page', undefined],
      ['identify', badType],
      ['Track', badType],
      ['track ', badType],
      ['track\u0000', badType],
      ['tr\u0430ck', badType],
      ['page'.normalize('NFD'), undefined],
      ['pa\u0301ge', badType],
      ['', badType],
      ['__proto__', badType],
      ['constructor', badType],
      [null, badType],
    ])('of a key for track and page: %j gives %j', (type, expected) => {
      expect(check({ types: ['track', 'page'] }, type, {})).toBe(expected)
    })

    it('come before names', () => {
      expect(check({ types: ['page'], allow: ['a'] }, 'track', { event: 'b' })).toBe(badType)
    })
  })

  describe('names', () => {
    it.each<[Lists, string | null, object, string | undefined]>([
      [{ allow: ['Order Completed'] }, 'track', { event: 'Order Completed' }, undefined],
      [{ allow: ['Order Completed'] }, 'track', { event: 'order completed' }, badName],
      [{ allow: ['Order Completed'] }, 'track', { event: 'Order Completed ' }, badName],
      [{ allow: ['a'] }, 'track', { event: 'a', name: 'b' }, undefined],
      [{ allow: ['a'] }, 'track', { name: 'a' }, badName],
      [{ allow: ['a'] }, 'page', { name: 'a', event: 'b' }, undefined],
      [{ allow: ['a'] }, 'screen', { name: 'b' }, badName],
      [{ allow: ['a'] }, 'page', {}, badName],
      [{ allow: ['a'] }, 'identify', { name: 'b', event: 'b' }, undefined],
      [{ allow: ['a'] }, 'group', {}, undefined],
      [{ deny: ['*'] }, 'alias', { name: 7 }, undefined],
      [{ allow: ['a'] }, null, { name: 'a' }, undefined],
      [{ allow: ['a'] }, null, { event: 'a', name: 'b' }, badName],
      [{ allow: ['a'] }, null, { event: 'b', name: 'a' }, badName],
      [{ allow: ['a'] }, null, {}, badName],
      [{ allow: ['a', 'b'] }, 'checkout', { event: 'a', name: 'b' }, undefined],
      [{ deny: ['a'] }, null, {}, undefined],
      [{ deny: ['a'] }, 'track', {}, undefined],
      [{ deny: ['a'] }, 'track', { event: 'b' }, undefined],
      [{ deny: ['a'] }, 'track', { event: 'a' }, badName],
      [{ deny: ['a'] }, 'track', { event: ['a'] }, badName],
      [{ deny: ['a'] }, 'track', { event: null }, badName],
      [{ deny: ['a'] }, 'track', { event: { toString: () => 'b' } }, badName],
      [{ deny: ['a'] }, null, { name: 'b', event: 7 }, badName],
      [{ allow: ['*'] }, 'track', { event: 7 }, badName],
      [{ allow: ['*'] }, 'track', { event: '' }, undefined],
      [{ allow: ['billing/*'] }, 'track', { event: 'billing/paid' }, undefined],
      [{ allow: ['billing/*'] }, 'track', { event: 'billing/' }, undefined],
      [{ allow: ['billing/*'] }, 'track', { event: 'billing' }, badName],
      [{ allow: ['billing/*'] }, 'track', { event: 'Billing/paid' }, badName],
      [{ allow: ['billing/*'], deny: ['billing/refund*'] }, 'track', { event: 'billing/refunded' }, badName],
      [{ allow: ['billing/refund'], deny: ['billing/*'] }, 'track', { event: 'billing/refund' }, badName],
      [{ allow: ['a'] }, 'track', { event: '__proto__' }, badName],
    ])('%j: %j %j gives %j', (lists, type, event, expected) => {
      expect(check(lists, type, event)).toBe(expected)
    })

    it('are own properties only', () => {
      const parsed = JSON.parse('{"__proto__": {"event": "a", "name": "a"}}')
      expect(check({ allow: ['a'] }, 'track', parsed)).toBe(badName)
      expect(check({ allow: ['a'] }, null, Object.create({ name: 'a' }))).toBe(badName)
      expect(
        check({ allow: ['a'] }, 'track', Object.assign(Object.create(null), { event: 'a' })),
      ).toBeUndefined()
    })

    it('agree with trying every pattern', () => {
      const word = fc
        .array(fc.constantFrom('a', 'b', '/', '\uffff', '\ud83d'), { maxLength: 5 })
        .map((parts) => parts.join(''))
      const pattern = fc.tuple(word, fc.boolean()).map(([text, isPrefix]) => (isPrefix ? `${text}*` : text))
      const matches = (patterns: string[], name: string): boolean =>
        patterns.some((text) => (text.endsWith('*') ? name.startsWith(text.slice(0, -1)) : name === text))
      fc.assert(
        fc.property(fc.array(pattern), fc.array(pattern, { maxLength: 3 }), word, (allow, deny, name) => {
          const expected = matches(allow, name) && !matches(deny, name) ? undefined : badName
          expect(check({ allow, deny }, 'track', { event: name })).toBe(expected)
        }),
        { numRuns: 3000 },
      )
    })
  })

  it('throws over no event', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('event', 'name', 'type', '__proto__'), fc.anything()),
        fc.option(fc.string()),
        (event, type) => {
          check({ types: ['track'], allow: ['a*'], deny: ['b'] }, type, event)
          check({ allow: ['a*'] }, type, event)
        },
      ),
    )
  })
})

describe('where an event has its name', () => {
  it.each([
    ['track', 'event'],
    ['page', 'name'],
    ['screen', 'name'],
    ['identify', 'none'],
    ['group', 'none'],
    ['alias', 'none'],
    ['order', 'either'],
    [null, 'either'],
  ])('is said by its type: %s has it in %s', (type, expected) => {
    expect(namedBy(type)).toBe(expected)
    const rule = compileEventRule({
      allowedEventTypes: null,
      allowedEventNames: null,
      deniedEventNames: ['Denied'],
    })
    expect(rule?.namesOf(type)).toBe(expected)
  })

  it('is not looked at by a key that has a rule for types alone, whatever is in there', () => {
    for (const event of [{ event: 5 }, { name: null }, { event: 'x' }, {}])
      expect(check({ types: ['track'] }, 'track', event)).toBeUndefined()
  })
})
