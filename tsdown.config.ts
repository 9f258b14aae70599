import { existsSync } from 'node:fs'
import { defineConfig, type Rolldown, type UserConfig } from 'tsdown'
import { embedPage } from './dashboard/embed-page.ts'

/** Output name → source. An entry is built once its source exists; `package.json` then has to export it. */
export const libraryEntries: Record<string, string> = {
  index: 'src/index.ts',
  express: 'adapters/express.ts',
  koa: 'adapters/koa.ts',
  nestjs: 'adapters/nestjs/index.ts',
  fastify: 'adapters/fastify.ts',
  hono: 'adapters/hono.ts',
  fetch: 'adapters/fetch.ts',
  node: 'adapters/node.ts',
  adapter: 'src/adapter/index.ts',
  sql: 'src/stores/sql/index.ts',
  redis: 'src/redis/index.ts',
  admin: 'src/admin/index.ts',
  ingest: 'src/ingest/index.ts',
  metrics: 'src/metrics/index.ts',
  testing: 'src/testing/index.ts',
}

/** Commands are run, never imported: ESM only, and no entry in `exports`. */
export const commandEntries: Record<string, string> = {
  'cli/bin': 'src/cli/bin.ts',
}

const present = (entries: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(entries).filter(([, source]) => existsSync(new URL(source, import.meta.url))),
  )

/**
 * Has every subpath's declarations load the root entry's. What subpaths share is declared in chunks, which nobody can import:
 * TypeScript names such a type, in the declarations of a controller that returns `keys.list()`, by the root entry, if that is
 * part of the program. An app that imports `writekey/nestjs` alone would get TS2742.
 */
function loadRootTypes({ fileName }: { fileName: string }): string {
  const [, entry, format] = /^(\w+)\.d\.(c?)ts$/.exec(fileName) ?? []
  return entry === undefined || entry === 'index' ? '' : `import type {} from "./index.${format}js";`
}

/** Packages that are built in. The Public Suffix List is data of ours to refresh with each release, in a chunk that only saving a rule loads. */
export const builtIn = [
  'tldts',
  'tldts-core',
  'string-width',
  'get-east-asian-width',
  'strip-ansi',
  'ansi-regex',
]

/**
 * Writes what is not ASCII as escapes: outside of comments it stands in texts, templates and regular expressions alone. A single
 * such character makes V8 keep the whole file with two bytes a character: a tenth more to import `writekey`.
 */
const inAscii: Rolldown.Plugin = {
  name: 'in-ascii',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === 'chunk' && /\.c?js$/.test(file.fileName)) file.code = escapeNonAscii(file.code)
    }
  },
}

/**
 * Has TypeScript pass over the import of Express's types where they are not installed, also with `skipLibCheck: false`. Whoever calls
 * the guard in plain JavaScript, or from Connect, has none.
 */
const expressTypesOptional: Rolldown.Plugin = {
  name: 'express-types-optional',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== 'chunk' || !/^express\.d\.c?ts$/.test(file.fileName)) continue
      const [before, after, ...more] = file.code.split(/^(?=import .* from "express";$)/m)
      if (after === undefined || more.length > 0)
        throw new Error(`${file.fileName} has no import of Express's types, or several`)
      file.code = `${before}// @ts-ignore\n${after}`
    }
  },
}

function escapeNonAscii(code: string): string {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// All entries of one format are one build: what two subpaths share lands in a common chunk, so that a class
// or symbol is the same object whichever subpath it was imported from.
const buildOptions: UserConfig = {
  platform: 'node',
  target: 'node20.19',
  fixedExtension: false,
  dts: true,
  sourcemap: true,
  plugins: [embedPage(), inAscii],
  deps: { onlyBundle: builtIn },
  outputOptions: {
    postBanner: loadRootTypes,
    // Here, because the declarations of CommonJS are built without `plugins`.
    plugins: [expressTypesOptional],
    // Declarations hold the docstrings. Without them Node reads half as much, all of it ASCII.
    comments: { jsdoc: false },
    // What the root entry needs is one file: each further one costs an import some 0.7 ms.
    codeSplitting: { groups: [{ name: 'core', test: /[\\/]src[\\/]index\.ts$/ }] },
  },
}

/** What `npm start` runs: the command alone, without types, so that the first start does not wait for the whole build. */
const startOptions: UserConfig = {
  ...buildOptions,
  name: 'start',
  format: 'esm',
  entry: commandEntries,
  dts: false,
  sourcemap: false,
  outDir: '.start',
}

export default defineConfig([
  {
    ...buildOptions,
    name: 'esm',
    format: 'esm',
    entry: { ...present(libraryEntries), ...present(commandEntries) },
  },
  { ...buildOptions, name: 'cjs', format: 'cjs', entry: present(libraryEntries) },
  startOptions,
])
