import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')

it('docs/architecture.md names files that exist', () => {
  const missing: string[] = []
  let folder = root
  for (const [, path] of page.matchAll(/`([\w./-]+(?:\.ts|\/))`/g) as Iterable<[string, string]>) {
    // A bare name stands in the folder of the file named before it.
    const file = path.includes('/') ? join(root, path) : join(folder, path)
    if (path.includes('/')) folder = dirname(file)
    if (!existsSync(file)) missing.push(path)
  }
  expect(missing).toEqual([])
})
