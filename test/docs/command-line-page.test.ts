import { expect, it } from 'vitest'
import { root } from './code-blocks.ts'
import { makeCommandPage } from './command-line-page.ts'

// After a change of a command: npm test -- test/docs/command-line-page.test.ts -u
it('docs/command-line.md says what the table of the commands says', async () => {
  await expect(makeCommandPage()).toMatchFileSnapshot(`${root}docs/command-line.md`)
})
