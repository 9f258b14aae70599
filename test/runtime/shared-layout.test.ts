import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sharedLayout } from '../../src/runtime/shared-by-copies.ts'
import { describeShared } from './shared-layout.ts'

const sources = ['src', 'adapters'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file)),
)

/** Reasons are handed on as words. */
const inside = { Visit: ['received'], WriteKeys: ['preflight', 'verify'], Reason: [] }

function describeWith(alter: (text: string, file: string) => string): string {
  const read = (file: string) => alter(readFileSync(file, 'utf8'), file)
  return `${describeShared(sources, read, inside).join('\n')}\n`
}

describe('what copies of the package in one process share', () => {
  const folder = 'test/runtime/shared-layouts'
  const file = join(folder, `${sharedLayout}.txt`)
  const described = describeWith((text) => text)

  it('is as it was when `sharedLayout` was last raised', () => {
    if (!existsSync(file) && process.env.CI === undefined) writeFileSync(file, described)
    const advice =
      'Raise sharedLayout. The next run writes what it now stands for; delete what it stood for before.'
    expect(described, advice).toBe(readFileSync(file, 'utf8'))
    expect(readdirSync(folder), advice).toEqual([`${sharedLayout}.txt`])
  })

  it.each([
    ['src/adapter/request-context.ts', 'static newestOf(', 'static lastOf('],
    ['src/adapter/request-context.ts', '#newest: Passage\n', '#newest: Passage[]\n'],
    ['src/adapter/request-context.ts', 'readonly before: Passage', 'readonly outer: Passage'],
    ['src/adapter/kept-headers.ts', 'writeHead: WriteHead }', 'write: WriteHead }'],
    ['src/adapter/rewound-body.ts', "'at its end': new WeakMap", 'ended: new WeakMap'],
    ['src/verifier/settlement.ts', 'readonly drops: boolean', 'readonly dropsEvents: boolean'],
    ['src/verifier/visit.ts', '[paid]?: { bytes: number', '[paid]?: { length: number'],
    ['adapters/nestjs/module-options.ts', 'throwRefusals: boolean\n', 'throws: boolean\n'],
    ['src/health.ts', 'readonly unsent: number', 'readonly waiting: number'],
    ['src/measured.ts', 'health(): Health', 'health(): Promise<Health>'],
    ['src/measured.ts', "sharedByCopies('measured'", "sharedByCopies('meters'"],
  ])('is described, so that a change of %s shows: %s', (altered, before, after) => {
    let times = 0
    const changed = describeWith((text, file) => {
      if (file !== altered || !text.includes(before)) return text
      times++
      return text.replace(before, after)
    })
    expect(times).toBeGreaterThan(0)
    expect(changed).not.toBe(described)
  })

  it('is described without what the sources say of it, and without how it is done', () => {
    const changed = describeWith((text) =>
      text
        .replaceAll('/** ', '/** Now: ')
        .replace('(request as OwnPassedRequest).#newest = passage', 'Object.assign(request, { passage })'),
    )
    expect(changed).toBe(described)
  })
})
