import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { withLock } from '../lock.ts'

const dashboard = fileURLToPath(new URL('../../dashboard/', import.meta.url))
const lock = join(dashboard, 'node_modules', '.building')

/** Builds the page unless that was done since its sources changed. Test files that start together build it once. */
export async function ensurePageBuilt(): Promise<void> {
  await withLock(lock, 60_000, async () => {
    if (newest(join(dashboard, 'src')) < newest(join(dashboard, 'dist'))) return
    await build({ configFile: join(dashboard, 'vite.config.ts'), logLevel: 'error' })
  })
}

/** When anything in a folder was last changed; 0 when it is not there. */
function newest(folder: string): number {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    return Math.max(
      statSync(folder).mtimeMs,
      ...files.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs),
    )
  } catch {
    return 0
  }
}
