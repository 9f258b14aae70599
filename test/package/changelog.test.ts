import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
// @ts-expect-error a script without types
import { notesOf, sectionOf, withRelease } from '../../scripts/changelog.mjs'

const changelog = `# Changelog

Intro.

## Unreleased

- new

## 0.2.0

- written

## 0.1.0 (2026-01-01)

- old
`

describe('a release', () => {
  it('puts what is unreleased behind what was written for the version, and dates it', () => {
    expect(withRelease(changelog, '0.2.0', '2026-02-02')).toBe(`# Changelog

Intro.

## Unreleased

## 0.2.0 (2026-02-02)

- written

- new

## 0.1.0 (2026-01-01)

- old
`)
  })

  it('makes the section when nothing was written for the version', () => {
    const released = withRelease(changelog, '0.3.0', '2026-03-03')
    expect(sectionOf(released, '0.3.0')).toBe('- new')
    expect(sectionOf(released, 'Unreleased')).toBe('')
    expect(sectionOf(released, '0.2.0')).toBe('- written')
  })

  it('is not made of nothing', () => {
    expect(notesOf('# Changelog\n\n## Unreleased\n\n## 0.1.0\n\n- old\n', '0.2.0')).toBeUndefined()
  })

  it('of the version in package.json has notes', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(notesOf(readFileSync('CHANGELOG.md', 'utf8'), version)).toContain('### ')
  })
})
