import { nodeModule } from '../../runtime/built-ins.ts'
import { StoreError } from '../../runtime/errors.ts'
import { assertSupportedVersion } from './driver-version.ts'

/**
 * The import that a bundler must leave out. The driver's name is no literal, because bundling a driver that
 * the app has not installed would fail.
 */
export const bundlerHint =
  'In a bundled application (webpack, Rspack, esbuild, Vite, Next) it has to be installed beside the bundle, since bundlers leave it out, or be handed in by the option driver.'

/**
 * Loads a database driver when it is first needed. @throws StoreError `missing_driver`: what to install, or
 * why it does not load.
 */
export async function importDriver(name: string, whatFor: string): Promise<Record<string, unknown>> {
  try {
    return await loadDriver(name)
  } catch (error) {
    throw new StoreError('missing_driver', `${whatFor}: ${(error as Error).message}. ${bundlerHint}`)
  }
}

/** @throws StoreError `missing_driver` with the cause in few words. */
export async function loadDriver(name: string): Promise<Record<string, unknown>> {
  const errors: unknown[] = []
  for (const load of [importByName, requireByName]) {
    try {
      const driver = await load(name)
      assertSupportedVersion(name)
      return driver
    } catch (error) {
      if (error instanceof StoreError) throw error
      errors.push(error)
    }
  }
  const { code, message } = errors[0] as { code?: string; message?: string }
  throw new StoreError(
    'missing_driver',
    errors.some((error) => saysAbsent(error, name))
      ? `the package "${name}" is missing (npm install ${name})`
      : // Yarn's Plug'n'Play goes on for paragraphs.
        `the package "${name}" does not load: ${message?.split('\n', 1)[0] ?? code}`,
  )
}

const importByName = (name: string): Promise<Record<string, unknown>> =>
  import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name)

/** For Jest, which refuses `import()` in CommonJS. */
function requireByName(name: string): Record<string, unknown> {
  const required = nodeModule().createRequire(import.meta.url)(name)
  return required?.default === undefined ? { default: required } : required
}

function saysAbsent(error: unknown, name: string): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
  // Another name: a dependency of the driver is missing, such as its build for this system.
  return absent && typeof message === 'string' && new RegExp(`['"]${name}['"]`).test(message)
}
