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

/**
 * Runs a block as it stands, its imports from the sources. Vitest compiles it.
 * @param beside a block that it imports, by the name in its first line
 */
export async function runModule(code: string, beside?: CodeBlock): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-docs-'))
  const write = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, withPaths(text))
    return pathToFileURL(file).href
  }
  if (beside !== undefined) write(/^\/\/ (\S+)/.exec(beside.code)?.[1] ?? '', beside.code)
  try {
    return await import(write('block.ts', code))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function withPaths(code: string): string {
  return code.replace(/from '([^'.][^']*)'/g, (_, name: string) => {
    const source = sourceOf(name)
    return `from '${source ?? import.meta.resolve(name)}'`
  })
}
