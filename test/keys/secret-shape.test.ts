import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { importedKeysOption, type SecretShape } from '../../src/keys/secret-shape.ts'
import { ConfigError } from '../../src/runtime/config-error.ts'

const shapeOf = (expression: unknown) => importedKeysOption(expression, 'importedKeys') as SecretShape
const isUsable = (text: string) =>
  text.length >= 16 && text.length <= 256 && /^[\x21-\x39\x3b-\x7e]*$/.test(text)

describe('importedKeys', () => {
  it.each([
    [/^[A-Za-z0-9]{32}$/, 'kZ9aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT', 'kZ9aB3cD4eF5gH6iJ7kL8mN9oP0qR1s'],
    [/^phc_[\w-]{40,43}$/, `phc_${'a-'.repeat(20)}`, `phx_${'a-'.repeat(20)}`],
    [/^\d{8}\.[^a-z]{8,}$/u, '12345678.ABC-12/4', '12345678xABC-12/4'],
    [/^\$2[$a]{16}$/, '$2$aaaaaaaaaaaaaaa', '$2$aaaaaaaaaaaaaa2'],
    [/^[+/=-]?x{15}y?$/, '=xxxxxxxxxxxxxxxy', 'xxxxxxxxxxxxxxxyy'],
  ])('%s matches what it should, and not the rest', (expression, good, bad) => {
    expect([good, bad].map((text) => expression.test(text))).toEqual([true, false])
    const shape = shapeOf(expression)
    for (const form of [good, Buffer.from(good)]) expect(shape.matches(form)).toBe(true)
    for (const form of [bad, Buffer.from(bad), `${good}\n`, `${good}é`, ''])
      expect(shape.matches(form)).toBe(false)
  })

  it('matches no colon, nothing invisible, and nothing outside 16 to 256 characters', () => {
    const shape = shapeOf(/^[^x]{1,300}$/)
    expect(shape.matches('a'.repeat(16))).toBe(true)
    expect(shape.matches('a'.repeat(256))).toBe(true)
    const refused = [
      'a'.repeat(15),
      'a'.repeat(257),
      'a:'.repeat(10),
      'a '.repeat(10),
      'ä'.repeat(20),
      '\u007f'.repeat(20),
    ]
    for (const text of refused) expect(shape.matches(text)).toBe(false)
  })

  it('agrees with the expression that was given', () => {
    const classes = ['a', 'b', '\\.', '[ab]', '[a-c_]', '[^a]', '\\d', '\\w', '[\\w-]', '[.-]', '_']
    const counts = ['', '?', '*', '+', '{2}', '{0,3}', '{3,}', '{16}', '{10,20}']
    const part = fc
      .tuple(fc.constantFrom(...classes), fc.constantFrom(...counts))
      .map((pair) => pair.join(''))
    const sources = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `^${parts.join('')}$`)
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '1', '_', '-', '~'), maxLength: 30 })
    const cases = sources.chain((source) =>
      fc.tuple(
        fc.constant(source),
        fc.array(fc.oneof(text, fc.stringMatching(new RegExp(source))), { minLength: 4, maxLength: 4 }),
      ),
    )
    let matched = 0
    fc.assert(
      fc.property(cases, ([source, texts]) => {
        const expression = new RegExp(source)
        const shape = toShapeOrNothing(expression)
        for (const some of texts) {
          const expected = isUsable(some) && expression.test(some)
          if (expected) matched++
          if ((shape?.matches(some) ?? false) !== expected) return false
        }
        return true
      }),
      { numRuns: 300 },
    )
    expect(matched).toBeGreaterThan(50)
  })

  it('takes no longer for expressions that make an engine try every way', () => {
    const shape = shapeOf(/^[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+!$/)
    const startedAt = performance.now()
    for (let round = 0; round < 100; round++) expect(shape.matches('a'.repeat(256))).toBe(false)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(shape.matches(`${'a'.repeat(40)}!`)).toBe(true)
  })

  it.each([
    ['no expression', '[a-z]{32}'],
    ['null', null],
    ['no beginning', /[a-z]{32}$/],
    ['no end', /^[a-z]{32}/],
    ['an end that is a character', /^[a-z]{32}\$/],
    ['the flag i', /^[a-z]{32}$/i],
    ['the flag g', /^[a-z]{32}$/g],
    ['a group', /^(?:[a-z]{4}){8}$/],
    ['an alternative', /^[a-z]{32}|[0-9]{32}$/],
    ['a reference', /^([a-z])\1{31}$/],
    ['a look ahead', /^(?=x)[a-z]{32}$/],
    ['a dot', /^.{32}$/],
    ['a lazy count', /^[a-z]{16,32}?$/],
    ['a word boundary', /^\b[a-z]{32}$/],
    ['white space', /^\s{32}$/],
    ['a property', /^\p{L}{32}$/u],
    ['a colon', /^key:[a-z]{32}$/],
    ['a class of nothing that can be', /^[é-ü]{32}$/],
    ['too short', /^[a-z]{4,15}$/],
    ['too long', /^[a-z]{257}$/],
    ['an empty one', /(?:)/],
    ['an anchor inside', /^[a-z]{16}^[a-z]{16}$/],
  ])('refuses %s, saying what would be right', (_, expression) => {
    const refusal = expect.objectContaining({
      option: 'importedKeys',
      message: expect.stringContaining('[A-Za-z0-9]{32}'),
    })
    expect(() => shapeOf(expression)).toThrow(ConfigError)
    expect(() => shapeOf(expression)).toThrow(refusal)
  })
})

describe('what a refusal of importedKeys says', () => {
  it.each<[RegExp, string]>([
    [/^[a-z]{32}$/i, 'this one has flags other than u.'],
    [/[a-z]{32}$/, 'this one does not begin with ^.'],
    [/^[a-z]{32}/, 'this one does not end with $.'],
    [/^[a-z]{32}\$/, 'this one does not end with $.'],
    [/^\$/, 'this one does not end with $.'],
    [/^[a-z]{32}\\\$/, 'this one does not end with $.'],
    [/^(?:[a-z]{4}){8}$/, 'this one has a group or an alternative.'],
    [/^.{32}$/, 'this one has a dot: write \\. for a dot, or a class such as [A-Za-z0-9].'],
    [/^[a-z]{16,32}?$/, 'this one has a ? in an unexpected place.'],
    [/^\s{32}$/, 'this one has an escape other than \\d, \\w and that of a punctuation mark.'],
    [/^[\d-z]{32}$/, 'this one has a range that ends in a class.'],
    [/^[!-\d]{32}$/, 'this one has a range that ends in a class.'],
    [
      /^[é-ü]{32}$/,
      'this one asks for a character that no secret may hold: those are visible ASCII without the colon.',
    ],
    [/^[a-z]{15}$/, 'no secret of 16 to 256 characters can match this one.'],
    [/^[a-z]{257}$/, 'no secret of 16 to 256 characters can match this one.'],
    [new RegExp(`^${'a'.repeat(999)}$`), 'this one is longer than 1000 characters.'],
  ])('of %s names the problem', (expression, problem) => {
    expect(() => shapeOf(expression)).toThrow(problem)
  })

  it('comes for nothing that is just within', () => {
    const most = new RegExp(`^${'\\w'.repeat(256)}${'a?'.repeat(243)}$`)
    expect(most.source).toHaveLength(1_000)
    for (const expression of [/^[a-z]{16}$/, /^[a-z]{256}$/, /^[a-z]{32}\\$/, most])
      expect(() => shapeOf(expression)).not.toThrow()
  })
})

describe('a count', () => {
  const a = (count: number) => 'a'.repeat(count)
  const b = (count: number) => 'b'.repeat(count)
  it.each<[RegExp, string[], string[]]>([
    [/^a{15}b*$/, [`${a(15)}b`, a(15) + b(241)], [a(16), a(15) + b(242), `${a(14)}bb`]],
    [/^a{16}b*$/, [a(16), a(16) + b(3)], [`${a(16)}c`]],
    [/^a{15}b+$/, [`${a(15)}b`], [a(16)]],
    [/^a{16}b+$/, [`${a(16)}b`], [a(16)]],
    [/^a{16}b?$/, [a(16), `${a(16)}b`], [`${a(16)}bb`]],
    [/^a{14}b{6,}$/, [a(14) + b(6), a(14) + b(242)], [a(14) + b(5)]],
    [/^a{14}b{2,4}$/, [a(14) + b(2), a(14) + b(4)], [a(14) + b(5), a(15) + b(2)]],
    [
      /^a{14}b{2,4}c{2}$/,
      [`${a(14)}bbcc`, `${a(14)}bbbbcc`],
      [`${a(14)}bcc`, `${a(14)}bbbbbcc`, `${a(15)}bcc`],
    ],
    [/^a{16}b{0,2}a{2}$/, [a(18), `${a(16)}baa`], [a(17), a(19)]],
    [
      /^a{2,3}b{12}a{2,3}$/,
      [`aa${b(12)}aa`, `aaa${b(12)}aaa`],
      [`a${b(12)}aaa`, `aaaa${b(12)}aa`, `aa${b(12)}a`],
    ],
    [
      /^x{4}[ab]{6,7}b{6,7}b$/,
      [`xxxx${a(6)}${b(7)}`, `xxxx${a(7)}${b(8)}`, `xxxx${b(15)}`],
      [`xxxx${a(8)}${b(7)}`, `xxxx${a(7)}${b(6)}`, `xxxx${b(16)}`, `xxxx${a(14)}b`],
    ],
    [/^a{1,9}[ab]{8,20}c$/, [`${a(15)}c`, `a${b(20)}c`], [`a${b(21)}c`, `${b(16)}c`]],
    [/^[!~]{16}$/, ['!~'.repeat(8)], ['}'.repeat(16)]],
  ])('of %s is held', (expression, good, bad) => {
    const shape = shapeOf(expression)
    for (const text of good) expect([text, shape.matches(text)]).toEqual([text, true])
    for (const text of bad) expect([text, shape.matches(text)]).toEqual([text, false])
  })
})

/** Some expressions that come together by chance can match no secret. */
function toShapeOrNothing(expression: RegExp): SecretShape | undefined {
  try {
    return shapeOf(expression)
  } catch {
    return undefined
  }
}
