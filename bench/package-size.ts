import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'tsdown'
import { report } from './report.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const entries = ['writekey', 'writekey/express']

/**
 * Core and Express adapter with the packages that they load, in one file, minified and gzipped. What is imported later is left
 * out: the public suffix list, when a rule with a wildcard is saved.
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
      deps: { alwaysBundle: [/^writekey/, 'lru-cache'], onlyBundle: false },
    })
    const bytes = gzipSync(readFileSync(join(folder, 'all.js')), { level: 9 }).length
    report({
      name: 'writekey and writekey/express with lru-cache, minified and gzipped',
      value: bytes / 1_000,
      unit: 'kB',
      goal: { atMost: 40 },
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
