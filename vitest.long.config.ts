import { defineConfig } from 'vitest/config'
import { servicesReporter } from './test/services-reporter.ts'

export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    passWithNoTests: true,
    globalSetup: ['test/services-setup.ts'],
    reporters: ['default', servicesReporter],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 15 * 60_000,
    hookTimeout: 120_000,
  },
})
