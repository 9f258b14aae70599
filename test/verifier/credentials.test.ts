import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Presented, presentedByBasic } from '../../src/verifier/credentials.ts'

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
