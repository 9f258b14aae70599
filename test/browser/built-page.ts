import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const dashboard = fileURLToPath(new URL('../../dashboard/', import.meta.url))
const lock = join(dashboard, 'node_modules', '.building')

/** Builds the page unless that was done since its sources changed. Test files that start together build it once. */
export async function ensurePageBuilt(): Promise<void> {
  mkdirSync(join(dashboard, 'node_modules'), { recursive: true })
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch {
      // A run that was killed leaves its lock behind.
      if (Date.now() - newest(lock) > 60_000) rmSync(lock, { recursive: true, force: true })
      await sleep(100)
    }
  }
  try {
    if (newest(join(dashboard, 'src')) < newest(join(dashboard, 'dist'))) return
    await build({ configFile: join(dashboard, 'vite.config.ts'), logLevel: 'error' })
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
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
