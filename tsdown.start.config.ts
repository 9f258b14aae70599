import { defineConfig } from 'tsdown'
import { buildOptions, commandEntries } from './tsdown.config.ts'

/** What `npm start` runs: the command alone, without types, so that the first start does not wait for the whole build. */
export default defineConfig({
  ...buildOptions,
  format: 'esm',
  entry: commandEntries,
  dts: false,
  outDir: '.start',
})
