import { readdirSync, readFileSync } from 'node:fs'
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

/** Documents a user reads, relative to the root. */
export function listDocuments(): string[] {
  const docs = readdirSync(`${root}docs`).filter((name) => name.endsWith('.md'))
  return ['README.md', ...docs.map((name) => `docs/${name}`)]
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
