import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { servicesReporter } from './test/services-reporter.ts'

type ProjectTests = NonNullable<TestProjectInlineConfiguration['test']>

function project(name: string, test: ProjectTests, rest: TestProjectInlineConfiguration = {}) {
  return {
    ...rest,
    test: { name, exclude: ['**/node_modules/**'], globalSetup: ['test/services-setup.ts'], ...test },
  }
}

/** `npm test`: everything but the tests below. */
const unit: ProjectTests = {
  include: ['test/**/*.test.ts'],
  exclude: ['test/long/**', 'test/browser/**', 'test/package/consumers/**', '**/node_modules/**'],
  // One more than the default on two processors: many tests wait for sockets and databases.
  maxWorkers: '100%',
  testTimeout: 20_000,
  hookTimeout: 60_000,
}

/** `npm run test:browser`: the page in a real browser, a minute of clicking. */
const browser: ProjectTests = {
  include: ['test/browser/**/*.test.ts'],
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 60_000,
}

/** `npm run test:long`: campaigns that take minutes. `LONG=short` shortens them. */
const long: ProjectTests = {
  include: ['test/long/**/*.test.ts'],
  fileParallelism: false,
  testTimeout: 15 * 60_000,
  hookTimeout: 120_000,
}

/** `npm run docs:screenshots`: the pictures of docs/images. */
const screenshots: ProjectTests = { include: ['test/browser/screenshots.ts'], fileParallelism: false }

/** `npm run check:nest 12`: the Nest adapter on another version of Nest, installed in `folder`. */
function nest(folder: string) {
  const packages =
    '@nestjs/common|@nestjs/core|@nestjs/platform-express|@nestjs/platform-fastify|reflect-metadata|rxjs'
  const find = new RegExp(`^(${packages})(/package\\.json)?$`)
  const tests = { ...unit, include: ['test/adapters/nestjs*.test.ts'] }
  return project('nest', tests, {
    resolve: { alias: [{ find, replacement: `${folder}/node_modules/$1$2` }] },
  })
}

const nestFolder = process.env.NEST_FOLDER

export default defineConfig({
  test: {
    projects: [
      project('unit', unit),
      project('browser', browser),
      project('long', long),
      project('screenshots', screenshots),
      ...(nestFolder === undefined ? [] : [nest(nestFolder)]),
    ],
    // What a passing test makes the package log is no news.
    silent: 'passed-only',
    reporters: ['default', servicesReporter],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'adapters/**/*.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 95 },
    },
  },
})
