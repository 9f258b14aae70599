import { expect, it } from 'vitest'
import { root } from './code-blocks.ts'
import { makeOptionsPage, optionsThatRefuseUndefined } from './options-page.ts'

// After a change of an option: npm test -- test/docs/options-page.test.ts -u
it('docs/options.md says what the docstrings of the options say', async () => {
  await expect(makeOptionsPage()).toMatchFileSnapshot(`${root}docs/options.md`)
})

// Otherwise `{ environment: process.env.STAGE }` would not compile with `exactOptionalPropertyTypes`. For a pepper and a
// workspace it must not: there `undefined` is a setting or a customer that was not found.
it('each option that may be left out may be undefined, but for those whose absence must be meant', () => {
  expect(optionsThatRefuseUndefined()).toEqual(['WriteKeysOptions.pepper', 'AdapterOptions.workspace'])
})
