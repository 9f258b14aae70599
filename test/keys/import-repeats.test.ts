import { expect, it } from 'vitest'
import { createRepeatSearch, repeatNote } from '../../src/keys/import-repeats.ts'

const digest = (secret: string) => `digest of ${secret}`
const made = { ok: true }
const conflict = { ok: false, code: 'conflict' }

it('a line of a file that repeats a secret, as itself or as its hash, is told the first line that has it', () => {
  const search = createRepeatSearch(digest)
  expect(search({ line: 1, item: { key: 'one' } }, made)).toBeUndefined()
  expect(search({ line: 2, item: { key: 'other' } }, conflict)).toBeUndefined()
  expect(search({ line: 3, item: { key: 'one' } }, conflict)).toBe(1)
  expect(search({ line: 4, item: { key_hash: 'digest of one'.toUpperCase() } }, conflict)).toBe(1)
  expect(search({ line: 5, item: { key: 'other' } }, conflict)).toBe(2)
})

it('a line that was refused for something else is nobody’s first line', () => {
  const search = createRepeatSearch(digest)
  const invalid = { ok: false, code: 'validation_error' }
  expect(search({ line: 1, item: { key: 'one' } }, invalid)).toBeUndefined()
  expect(search({ line: 2, item: { key: 'one' } }, made)).toBeUndefined()
  expect(search({ line: 3, item: { key: 'one' } }, invalid)).toBeUndefined()
  expect(search({ line: 4, item: { key: 'one' } }, conflict)).toBe(2)
})

it('the note names that line, or is empty', () => {
  expect([repeatNote(7), repeatNote(undefined)]).toEqual([' (It has the secret of line 7.)', ''])
})
