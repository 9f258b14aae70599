import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { root } from './code-blocks.ts'
import { sendersPage } from './senders-page.ts'

it('docs/senders.md says of each sender what its endpoint does (UPDATE_DOCS=1 writes it)', () => {
  const file = `${root}docs/senders.md`
  const text = readFileSync(file, 'utf8')
  const start = text.indexOf('## Segment')
  expect(start).toBeGreaterThan(0)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(file, text.slice(0, start) + sendersPage())
  expect(readFileSync(file, 'utf8').slice(start)).toBe(sendersPage())
})
