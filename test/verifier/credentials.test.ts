import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Presented,
  presentedByBasic,
  presentedByBearer,
  presentedByBody,
  presentedByQuery,
} from '../../src/verifier/credentials.ts'

/** The rule as RFC 4648 and 7617 state it: re-encode, compare, split at the only colon. */
function slowlyPresented(text: string): string | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null
  const bytes = Buffer.from(text, 'base64')
  const canonical = bytes.toString('base64')
  if (text !== canonical && text !== canonical.replace(/=+$/, '')) return null
  const [user, password, ...more] = bytes.toString('latin1').split(':')
  return user !== '' && password === '' && more.length === 0 ? (user as string) : null
}

const junk = fc.string({ unit: fc.constantFrom(...'ABCDwxyz019+/=-_ :\u0142'), maxLength: 30 })
const encoded = fc.string().map((text) => Buffer.from(`${text}:`).toString('base64'))
const damaged = fc
  .tuple(encoded, fc.nat(80), fc.constantFrom('A', '=', '+', '-', '_', ' ', '!', ''))
  .map(([text, at, character]) => text.slice(0, at) + character + text.slice(at + 1))

function asText(presented: Presented): string | null | undefined {
  return presented instanceof Uint8Array ? Buffer.from(presented).toString('latin1') : presented
}

describe('presentedByBasic', () => {
  it('hands each request bytes of its own, which the next one leaves alone', () => {
    const [first, second] = ['first-key', 'other-key'].map((name) =>
      presentedByBasic({ authorization: `Basic ${Buffer.from(`${name}:`).toString('base64')}` }),
    )
    expect([asText(first), asText(second)]).toEqual(['first-key', 'other-key'])
    expect((first as Uint8Array).buffer.byteLength).toBe('first-key'.length)
  })

  it('accepts the canonical spelling of a credential and no other', () => {
    fc.assert(
      fc.property(fc.oneof(junk, encoded, damaged), (text) => {
        const credential = text.trim()
        const presented = asText(presentedByBasic({ authorization: `Basic ${credential}` }))
        const expected = slowlyPresented(credential)
        // Text with a colon is left to the check of the key's alphabet.
        if (expected === null) expect(presented ?? ':').toContain(':')
        else expect(presented).toBe(expected)
      }),
      { numRuns: 5_000 },
    )
  })
})

const key = 'a-key'
const encodedKey = Buffer.from(`${key}:`).toString('base64')
/** A credential of that many characters, canonical. */
const ofLength = (length: number) => Buffer.from(`${'k'.repeat((length / 4) * 3 - 1)}:`).toString('base64')

describe('an Authorization', () => {
  it.each([
    ['Basic', `Basic ${encodedKey}`, key],
    ['the scheme in any case', `bAsIc ${encodedKey}`, key],
    ['spaces in front, between and behind', `  Basic   ${encodedKey}  \t`, key],
    ['nothing behind the scheme', 'Basic', null],
    ['blanks alone behind the scheme', 'Basic  \t ', null],
    ['a tab behind the scheme', `Basic\t${encodedKey}`, undefined],
    ['a scheme that begins like it', `Basics ${encodedKey}`, undefined],
    ['a no-break space behind', `Basic ${encodedKey}\u00a0`, null],
    ['the longest that is read', `Basic ${ofLength(512)}`, 'k'.repeat(383)],
    ['a longer one', `Basic ${ofLength(516)}`, null],
    ['a long one behind spaces', `${' '.repeat(600)}Basic ${encodedKey}`, key],
    ['a colon alone', `Basic ${btoa(':')}`, null],
    ['nothing', '', undefined],
    ['blanks', '  ', undefined],
  ])('is read as Basic: %s', (_, authorization, expected) => {
    expect(asText(presentedByBasic({ authorization }))).toBe(expected)
  })

  it.each(['xasic', 'bxsic', 'baxic', 'basxc', 'basix'])('of the scheme %s is not Basic', (scheme) => {
    expect(presentedByBasic({ authorization: `${scheme} ${encodedKey}` })).toBeUndefined()
  })

  it.each([
    ['Bearer', `Bearer ${key}`, key],
    ['the scheme in any case', `bEARER ${key}`, key],
    ['spaces in front, between and behind', `  Bearer   ${key} \t `, key],
    ['nothing behind the scheme', 'Bearer', null],
    ['blanks alone behind the scheme', 'Bearer  ', null],
    ['two words', `Bearer ${key} ${key}`, null],
    ['a word in front', `x Bearer ${key}`, undefined],
    ['a word in front, and no token', 'x Bearer', undefined],
    ['a scheme that begins like it', `Bearers ${key}`, undefined],
    ['a character beyond ASCII', `Bearer ${key}\u00e9`, null],
    ['the longest that is read', `Bearer ${'k'.repeat(512)}`, 'k'.repeat(512)],
    ['a longer one', `Bearer ${'k'.repeat(513)}`, null],
    ['another scheme', `Basic ${encodedKey}`, undefined],
    ['nothing', '', undefined],
  ])('is read as Bearer: %s', (_, authorization, expected) => {
    expect(presentedByBearer({ authorization })).toBe(expected)
  })

  it.each([
    ['a list of one text', [`Bearer ${key}`], key],
    ['a list of two', [`Bearer ${key}`, `Bearer ${key}`], null],
    ['an empty list', [], null],
    ['a list of something else', [5], null],
    ['something else', 5, null],
    ['none', undefined, undefined],
  ])('may be handed in as %s', (_, authorization, expected) => {
    expect(presentedByBearer({ authorization: authorization as never })).toBe(expected)
  })
})

describe('a parameter', () => {
  const names = ['writeKey', 'writekey']
  it.each([
    ['a text', `writeKey=${key}`, key],
    ['URLSearchParams', new URLSearchParams({ writekey: key }), key],
    ['a record', { writeKey: key }, key],
    ['a record with a list of one', { writeKey: [key] }, key],
    ['a record with a list of two', { writeKey: [key, key] }, null],
    ['a record with both names', { writeKey: key, writekey: key }, null],
    ['a record with one name absent', { writeKey: undefined, writekey: key }, key],
    ['a record with an object', { writeKey: { a: '1' } }, null],
    ['a record that inherits it', Object.create({ writeKey: key }), undefined],
    ['a record without it', { other: key }, undefined],
    ['a name without a value', 'writeKey', ''],
    ['an empty text', '', undefined],
    ['none', undefined, undefined],
  ])('is found in %s', (_, query, expected) => {
    expect(presentedByQuery(query as never, names)).toBe(expected)
  })

  it('of an empty name is found in no empty query', () => {
    expect(presentedByQuery('', [''])).toBeUndefined()
  })
})

describe('a property of the body', () => {
  it.each([
    ['an object', { writeKey: key }, key],
    ['an object with another value', { writeKey: 5 }, null],
    ['an object that inherits it', Object.create({ writeKey: key }), undefined],
    ['a list', Object.assign([], { writeKey: key }), undefined],
    ['a function', Object.assign(() => {}, { writeKey: key }), undefined],
    ['null', null, undefined],
    ['nothing', undefined, undefined],
    ['a text', 'writeKey', undefined],
  ])('is found in %s', (_, body, expected) => {
    expect(presentedByBody(body, 'writeKey')).toBe(expected)
  })
})
