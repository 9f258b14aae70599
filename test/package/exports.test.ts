import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { commandEntries, libraryEntries } from '../../tsdown.config.ts'

const root = new URL('../../', import.meta.url)
const manifest: {
  main: string
  types: string
  typesVersions: Record<string, Record<string, string[]>>
  exports: Record<string, unknown>
  bin?: Record<string, string>
} = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

const subpathOf = (entry: string) => (entry === 'index' ? '.' : `./${entry}`)
const isWritten = ([, source]: [string, string]) => existsSync(new URL(source, root))

describe('package.json', () => {
  it('exports exactly the entries whose source exists', () => {
    const written = Object.entries(libraryEntries)
      .filter(isWritten)
      .map(([entry]) => subpathOf(entry))
    const exported = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json')
    expect(exported.toSorted()).toEqual(written.toSorted())
  })

  it.each(Object.entries(libraryEntries).filter(isWritten))(
    'gives %s to import, module-sync and require, types first',
    (entry) => {
      const esm = { types: `./dist/${entry}.d.ts`, default: `./dist/${entry}.js` }
      const cjs = { types: `./dist/${entry}.d.cts`, default: `./dist/${entry}.cjs` }
      const conditions = manifest.exports[subpathOf(entry)]
      // In an exports map the order decides, and toEqual does not see it.
      expect(JSON.stringify(conditions)).toBe(
        JSON.stringify({ import: esm, 'module-sync': esm, require: cjs }),
      )
    },
  )

  it('leads resolvers that know no exports to the same types', () => {
    expect(manifest.main).toBe('./dist/index.cjs')
    expect(manifest.types).toBe('./dist/index.d.cts')
    const subpaths = Object.keys(manifest.exports).flatMap((path) => /^\.\/(\w+)$/.exec(path)?.[1] ?? [])
    expect(manifest.typesVersions).toEqual({
      '*': Object.fromEntries(subpaths.map((name) => [name, [`./dist/${name}.d.cts`]])),
    })
  })

  it('has a bin exactly for the commands whose source exists', () => {
    const written = Object.entries(commandEntries)
      .filter(isWritten)
      .map(([entry]) => `dist/${entry}.js`)
    expect(Object.values(manifest.bin ?? {}).map((path) => path.replace(/^\.\//, ''))).toEqual(written)
  })
})
