import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyJson } from '../../src/http/json-copy.ts'

describe('copyJson', () => {
  it('gives what writing and parsing gives, in the same order', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const value: unknown = JSON.parse(text)
        const copy = copyJson(value)
        expect(JSON.stringify(copy)).toBe(JSON.stringify(value))
        expect(copy).toStrictEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('shares nothing, and takes no prototype from a body', () => {
    const value = JSON.parse('{"__proto__":{"a":[1]},"b":[{}],"c":-0,"d":1e999}')
    const copy = copyJson(value) as typeof value
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"a":[1]},"b":[{}],"c":0,"d":null}')
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    expect(copy.b).not.toBe(value.b)
    expect(copy.b[0]).not.toBe(value.b[0])
    expect(Object.is(copy.c, 0)).toBe(true)
  })
})
