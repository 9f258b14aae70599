import { defineConfig } from 'vitest/config'
import { servicesReporter } from './test/services-reporter.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**', 'test/browser/**', 'test/package/consumers/**', '**/node_modules/**'],
    globalSetup: ['test/services-setup.ts'],
    reporters: ['default', servicesReporter],
    pool: 'forks',
    // One more than the default on two processors: many tests wait for sockets and databases.
    maxWorkers: '100%',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'adapters/**/*.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 95 },
    },
  },
})
