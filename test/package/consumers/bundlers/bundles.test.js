import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const bundles = [
  'webpack/server.cjs',
  'webpack/server.mjs',
  'rspack/server.cjs',
  'rspack/server.mjs',
  'vite/server.js',
  'esbuild/server.cjs',
  'esbuild/server.mjs',
]
const start = (file) => JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8' }))

for (const bundle of bundles) {
  test(`${bundle} finds the driver that is installed beside it`, () => {
    assert.deepEqual(start(join('out', bundle)), {
      sent: { events: 1 },
      page: 200,
      postgres: 'store_unavailable',
    })
  })
}

test('a bundle with no driver beside it says so, unless one was handed in', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
  try {
    cpSync('out/esbuild', folder, { recursive: true })
    assert.equal(start(join(folder, 'server.mjs')).postgres, 'missing_driver')
    assert.equal(start(join(folder, 'driven.cjs')).postgres, 'store_unavailable')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
