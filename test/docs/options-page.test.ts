import { expect, it } from 'vitest'
import { root } from './code-blocks.ts'
import { makeOptionsPage } from './options-page.ts'

// After a change of an option: npm test -- test/docs/options-page.test.ts -u
it('docs/options.md says what the docstrings of the options say', async () => {
  await expect(makeOptionsPage()).toMatchFileSnapshot(`${root}docs/options.md`)
})
