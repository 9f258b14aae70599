import { expect, it } from 'vitest'
import { workspaceOption } from '../../src/keys/workspace-option.ts'

it.each(['acme', 'a.b_c:d@e-F9', 'x'.repeat(100)])('a workspace may be called %s', (name) => {
  expect(workspaceOption(name, 'workspace', true)).toBe(name)
})

it('no workspace is given by leaving it out, never by a setting that is missing', () => {
  expect(workspaceOption(undefined, 'workspace', false)).toBeUndefined()
  expect(() => workspaceOption(undefined, 'workspace', true)).toThrow(
    'workspace must be 1 to 100 characters of A-Z a-z 0-9 . _ : @ -; received nothing.',
  )
})

it.each([[null], [7], [['acme']], [''], ['x'.repeat(101)], ['a/b'], ['a b']])(
  '%j is no workspace',
  (value) => {
    for (const isGiven of [true, false])
      expect(() => workspaceOption(value, 'workspace', isGiven)).toThrow(
        /^workspace must be 1 to 100 characters/,
      )
  },
)
