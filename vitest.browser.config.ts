import { defineConfig } from 'vitest/config'
import { servicesReporter } from './test/services-reporter.ts'

/** The page in a real browser: a minute of clicking that `npm test` does not have. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['test/services-setup.ts'],
    reporters: ['default', servicesReporter],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
