import { describe, expect, it } from 'vitest'
import { appendFields } from '../../src/adapter/field-list.ts'

describe('appendFields', () => {
  it.each([
    [undefined, 'Origin'],
    ['', 'Origin'],
    ['Accept-Encoding', 'Accept-Encoding, Origin'],
    ['origin', 'origin'],
    ['Accept, ORIGIN', 'Accept, ORIGIN'],
    ['Accept,Accept , accept', 'Accept, Origin'],
    [['Accept', 'Accept-Encoding, Cookie'], 'Accept, Accept-Encoding, Cookie, Origin'],
    [[], 'Origin'],
    ['X-Origin', 'X-Origin, Origin'],
    ['*', '*'],
    ['Accept, *', '*'],
    [',, ,', 'Origin'],
    [5, '5, Origin'],
  ])('makes %j into %s', (current, expected) => {
    expect(appendFields(current, 'Origin')).toBe(expected)
    expect(appendFields(expected, 'Origin')).toBe(expected)
  })
})
