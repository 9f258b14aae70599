import { StoreError } from '../../runtime/errors.ts'

/**
 * Loads a database driver when it is first needed. The name is no literal, so that bundlers leave alone what an
 * application may not have installed.
 * @throws StoreError `missing_driver` saying what to install, or why the driver does not load.
 */
export async function importDriver(name: string, whatFor: string): Promise<Record<string, unknown>> {
  try {
    return await import(/* @vite-ignore */ name)
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string }
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
    throw new StoreError(
      'missing_driver',
      absent
        ? `${whatFor} needs the package "${name}": npm install ${name}`
        : `${whatFor}: the package "${name}" does not load: ${message ?? code}`,
    )
  }
}
