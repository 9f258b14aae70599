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
    restoreMocks: true,
    silent: true,
    testTimeout: 20_000,
  },
})
