import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))

/** `npm run docs`: what the built declarations of every subpath say, as Markdown in docs/api. */
export default {
  name: `writekey ${manifest.version}`,
  entryPoints: Object.values(manifest.exports).flatMap((entry) => entry.import?.types ?? []),
  tsconfig: 'tsconfig.typedoc.json',
  plugin: ['typedoc-plugin-markdown'],
  out: 'docs/api',
  readme: 'none',
  disableSources: true,
  hideGenerator: true,
  // Shapes that callers neither name nor make.
  intentionallyNotExported: [
    'AnyKysely',
    'Call',
    'CountedSort',
    'Details',
    'LogMethods',
    'Optional',
    'Problem',
    'RefusedImport',
    'RequestDecision',
    'RequestOf',
    'StoredSort',
    'WriteKeySetup',
    'usageGroupings',
  ],
  treatValidationWarningsAsErrors: true,
}
