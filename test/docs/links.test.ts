import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listDocuments, root } from './code-blocks.ts'

const repository = 'https://github.com/writekey/writekey/blob/main/'

/** Link targets outside of fenced blocks, with the heading of each, if any. */
function linksOf(document: string): string[] {
  const text = readFileSync(root + document, 'utf8').replace(/^\s*```[\s\S]*?^\s*```/gm, '')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target as string)
}

/** As GitHub makes them. */
function anchorsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function isThere(document: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = target.startsWith(repository)
    ? join(root, path.slice(repository.length))
    : path === ''
      ? join(root, document)
      : join(root, dirname(document), path)
  return existsSync(file) && (anchor === undefined || anchorsOf(file).includes(anchor))
}

const documents = [...listDocuments(), 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']

describe('links', () => {
  it.each(documents)('of %s lead to files and headings of this repository', (document) => {
    const ours = linksOf(document).filter((target) => target.startsWith(repository) || !/^\w+:/.test(target))
    expect(ours.filter((target) => !isThere(document, target))).toEqual([])
  })

  it('of README.md work from the page on npm, which has no other file', () => {
    const targets = linksOf('README.md')
    expect(targets.length).toBeGreaterThan(20)
    expect(targets.filter((target) => !/^(https:|#)/.test(target))).toEqual([])
  })
})
