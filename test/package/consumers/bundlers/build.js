// One server, bundled whole by each bundler, into an ES module and, where it writes one, into CommonJS.
import { rspack } from '@rspack/core'
import * as esbuild from 'esbuild'
import { build as viteBuild } from 'vite'
import webpack from 'webpack'

const outputs = [
  { filename: 'server.cjs' },
  { filename: 'server.mjs', module: true, chunkFormat: 'module', library: { type: 'module' } },
]
for (const [name, pack] of Object.entries({ webpack, rspack })) {
  for (const output of outputs) {
    await new Promise((resolve, reject) => {
      const path = new URL(`out/${name}`, import.meta.url).pathname
      const experiments = output.module ? { outputModule: true } : {}
      pack(
        {
          mode: 'production',
          target: 'node20',
          entry: './server.js',
          experiments,
          output: { path, ...output },
        },
        (error, stats) =>
          error || stats.hasErrors() ? reject(error ?? new Error(stats.toString())) : resolve(),
      )
    })
  }
}
await viteBuild({
  logLevel: 'warn',
  build: { ssr: 'server.js', outDir: 'out/vite', target: 'node20' },
  ssr: { noExternal: true },
})
const common = { entryPoints: ['server.js'], bundle: true, platform: 'node' }
await esbuild.build({ ...common, format: 'cjs', outfile: 'out/esbuild/server.cjs' })
// Express needs a `require`.
const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
await esbuild.build({ ...common, format: 'esm', outfile: 'out/esbuild/server.mjs', banner: { js } })
// Its driver is in the bundle.
await esbuild.build({
  ...common,
  entryPoints: ['driven.js'],
  outfile: 'out/esbuild/driven.cjs',
  external: ['pg-native'],
})
