import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** `npm run mutants`: the fast tests of what is mutated. `MUTANTS_TESTS=test/keys,test/rules` takes fewer. */
const folders = (
  process.env.MUTANTS_TESTS ?? 'test/keys,test/rules,test/verifier,test/cache,test/limits'
).split(',')

export default defineConfig({
  resolve: { alias: { 'fast-check': fileURLToPath(new URL('test/fewer-runs.ts', import.meta.url)) } },
  test: {
    include: folders.map((folder) => (folder.endsWith('.ts') ? folder : `${folder}/**/*.test.ts`)),
    exclude: ['**/node_modules/**'],
    globalSetup: ['test/services-setup.ts'],
    setupFiles: ['test/timers-setup.ts'],
    isolate: false,
    // What is measured in bytes is another thing in sources that are instrumented, and millions of calls take minutes there.
    testNamePattern: /^(?!.*(bytes per|memory for|less than \d+ MB|million charges))/,
    restoreMocks: true,
    silent: true,
    // Stryker ends what runs forever. A test that only takes long, as on a busy machine, must not fail.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
