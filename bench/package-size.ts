import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'tsdown'
import { report } from './report.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const entries = ['writekey', 'writekey/express']

/**
 * Everything that core and Express adapter export, in a bundle, minified and gzipped: what is loaded at the start, and with it
 * what is loaded later, the public suffix list, when a rule with a wildcard is saved.
 */
export async function packageSize(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-size-'))
  try {
    // Beside the other parts, so that the package's own name is found.
    const entry = join(here, 'size-entry.mjs')
    writeFileSync(entry, entries.map((name) => `export * from '${name}'\n`).join(''))
    await build({
      config: false,
      logLevel: 'error',
      entry: { all: entry },
      outDir: folder,
      format: 'esm',
      platform: 'node',
      dts: false,
      minify: true,
      fixedExtension: false,
      deps: { alwaysBundle: [/^writekey/], onlyBundle: false },
    })
    const name = 'writekey and writekey/express in a bundle, minified and gzipped'
    const kB = (files: Iterable<string>) =>
      [...files].reduce(
        (sum, file) => sum + gzipSync(readFileSync(join(folder, file)), { level: 9 }).length,
        0,
      ) / 1_000
    report({ name, value: kB(loadedWith(folder, 'all.js')), unit: 'kB', goal: { atMost: 40 } })
    report({ name: 'the same with what is loaded later', value: kB(readdirSync(folder)), unit: 'kB' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The file, and those that it imports at once. */
function loadedWith(folder: string, file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  const imports = readFileSync(join(folder, file), 'utf8').matchAll(
    /\b(?:from|import)\s*["']\.\/([^"']+)["']/g,
  )
  for (const [, imported] of imports) loadedWith(folder, imported as string, loaded)
  return loaded
}
