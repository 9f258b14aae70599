import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** One built file of the page; its name holds a hash of its content. */
export interface PageAsset {
  readonly name: string
  readonly content: string
}

export interface PageAssets {
  readonly script: PageAsset
  readonly style: PageAsset
}

/**
 * The built page; undefined when it has not been built. In the package the build replaces this module by a
 * constant (`tsdown.config.ts`), so nothing is read from the application's disk.
 */
export function readPageAssets(): PageAssets | undefined {
  const folder = new URL('../../../dashboard/dist/', import.meta.url)
  if (!existsSync(folder)) return undefined
  const names = readdirSync(folder)
  const read = (pattern: RegExp): PageAsset | undefined => {
    const name = names.find((entry) => pattern.test(entry))
    return name === undefined ? undefined : { name, content: readFileSync(new URL(name, folder), 'utf8') }
  }
  const script = read(/^app-[\w-]+\.js$/)
  const style = read(/^app-[\w-]+\.css$/)
  return script === undefined || style === undefined ? undefined : { script, style }
}
