import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type CodeBlock, listDocuments, readBlocks } from './code-blocks.ts'
import { sourceOf } from './compiled-blocks.ts'

/** All code blocks of README.md and docs/. */
export const blocks: readonly CodeBlock[] = listDocuments().flatMap(readBlocks)

export function blockWith(document: string, language: string, text: string): CodeBlock {
  const found = blocks.find(
    (block) => block.document === document && block.language === language && block.code.includes(text),
  )
  if (found === undefined) throw new Error(`${document} has no ${language} block with ${text}`)
  return found
}

/** Runs a block as it stands, its imports from the sources. Vitest compiles it. */
export async function runModule(code: string): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-docs-'))
  const withPaths = code.replace(/from '([^']+)'/g, (_, name: string) => {
    const source = sourceOf(name)
    return `from '${source ?? import.meta.resolve(name)}'`
  })
  const file = join(folder, 'block.ts')
  writeFileSync(file, withPaths)
  try {
    return await import(pathToFileURL(file).href)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
