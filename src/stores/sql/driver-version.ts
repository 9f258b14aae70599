import { dirname, join } from 'node:path'
import { nodeFs, nodeModule } from '../../runtime/built-ins.ts'
import { StoreError } from '../../runtime/errors.ts'

/**
 * Checked here: a range in `peerDependencies` would bind applications that have the package for another
 * purpose.
 */
const oldestSupported: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  kysely: [0, 28],
  pg: [8, 11],
  mysql2: [3, 9],
  libsql: [0, 4],
  'better-sqlite3': [11, 0],
}

/**
 * Lets unknown versions pass: a package inside a bundle has none.
 * @throws StoreError `missing_driver` when the installed version is too old.
 */
export function assertSupportedVersion(name: string): void {
  const oldest = oldestSupported[name]
  const installed = oldest === undefined ? undefined : installedVersion(name)
  if (oldest === undefined || installed === undefined) return
  const [major = 0, minor = 0] = installed.split('.').map(Number)
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return
  throw new StoreError(
    'missing_driver',
    `${name} ${installed} is installed, ${oldest.join('.')} or later is needed (npm install ${name}@latest)`,
  )
}

function installedVersion(name: string): string | undefined {
  try {
    let folder = dirname(
      nodeModule()
        .createRequire(import.meta.url)
        .resolve(name),
    )
    // Not by `name/package.json`, which most packages do not export.
    for (; folder !== dirname(folder); folder = dirname(folder)) {
      const version = readVersion(join(folder, 'package.json'), name)
      if (version !== undefined) return version
    }
  } catch {}
  return undefined
}

function readVersion(manifestPath: string, name: string): string | undefined {
  if (!nodeFs().existsSync(manifestPath)) return undefined
  const manifest = JSON.parse(nodeFs().readFileSync(manifestPath, 'utf8'))
  return manifest.name === name && typeof manifest.version === 'string' ? manifest.version : undefined
}
