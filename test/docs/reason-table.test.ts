import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { reasonAdvice } from '../../src/verifier/reason-advice.ts'
import { problems, reasons } from '../../src/verifier/reasons.ts'
import { root } from './code-blocks.ts'

it('docs/troubleshooting.md has the row of each reason, as the command and the page tell it', () => {
  const rows = readFileSync(`${root}docs/troubleshooting.md`, 'utf8')
    .split('\n')
    .filter((line) => /^\| (\d+|no answer) \| `\w+` \|/.test(line))
  const expected = reasons.map((reason) => {
    const { cause, advice } = reasonAdvice[reason]
    // Nothing is written when nobody is left to read it.
    const seen = reason === 'client_aborted' ? 'no answer' : problems[reason].status
    return `| ${seen} | \`${reason}\` | ${cause}. ${advice} |`
  })
  expect(rows).toEqual(expected)
})
