import { defineConfig } from 'vitest/config'

/** `npm run mutants`: the fast tests of what is mutated. `MUTANTS_TESTS=test/keys,test/rules` takes fewer. */
const folders = (
  process.env.MUTANTS_TESTS ?? 'test/keys,test/rules,test/verifier,test/cache,test/limits'
).split(',')

export default defineConfig({
  test: {
    include: folders.map((folder) => (folder.endsWith('.ts') ? folder : `${folder}/**/*.test.ts`)),
    exclude: ['**/node_modules/**'],
    globalSetup: ['test/services-setup.ts'],
    setupFiles: ['test/timers-setup.ts'],
    isolate: false,
    // What is measured in bytes is another thing in sources that are instrumented.
    testNamePattern: /^(?!.*(bytes per|memory for|less than \d+ MB))/,
    restoreMocks: true,
    silent: true,
    testTimeout: 20_000,
  },
})
