import { readdirSync, readFileSync } from 'node:fs'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** A fenced block of a document. */
export interface CodeBlock {
  /** Relative to the root, e.g. `docs/ingest.md`. */
  document: string
  /** Of the opening fence, from 1. */
  line: number
  /** What follows the fence, e.g. `ts`; empty for none. */
  language: string
  code: string
}

/** Documents a user reads, relative to the root; not what `npm run docs` makes. */
export function listDocuments(): string[] {
  const docs = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.md') && !name.startsWith(`api${sep}`),
  )
  return ['README.md', ...docs.map((name) => `docs/${name.replaceAll(sep, '/')}`).sort()]
}

export function readBlocks(document: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: (CodeBlock & { lines: string[] }) | undefined
  readFileSync(root + document, 'utf8')
    .split('\n')
    .forEach((text, index) => {
      const fence = /^\s*```(\w*)\s*$/.exec(text)
      if (fence === null) open?.lines.push(text)
      else if (open === undefined)
        open = { document, line: index + 1, language: fence[1] ?? '', code: '', lines: [] }
      else {
        const { lines, ...block } = open
        blocks.push({ ...block, code: `${lines.join('\n')}\n` })
        open = undefined
      }
    })
  return blocks
}
