import { statfsSync } from 'node:fs'
import { availableParallelism, freemem, tmpdir } from 'node:os'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { servicesReporter } from './test/services-reporter.ts'

type ProjectTests = NonNullable<TestProjectInlineConfiguration['test']>

const services = 'test/services-setup.ts'

function project(name: string, test: ProjectTests, rest: TestProjectInlineConfiguration = {}) {
  return {
    ...rest,
    test: {
      name,
      exclude: ['**/node_modules/**'],
      globalSetup: [services],
      setupFiles: ['test/seed-setup.ts'],
      // What is waited for comes later than in a second where the machine has other work.
      expect: { poll: { timeout: 20_000 } },
      ...test,
    },
  }
}

/** More than processors: most tests wait for sockets, databases and time to pass. */
const maxWorkers = availableParallelism() + 1

/**
 * Where there is room, files of tests are in memory: to wait until a disk has kept what is removed a moment later takes a quarter
 * of the tests of commands and of databases. Tests of a file that another one replaces stay on the disk.
 */
function temporaryFolders(): { env?: Record<string, string> } {
  const [folder, enough] = ['/dev/shm', 4 * 2 ** 30]
  try {
    const { bavail, bsize } = statfsSync(folder)
    if (process.env.TMPDIR !== undefined || Math.min(bavail * bsize, freemem()) < enough) return {}
    return { env: { TMPDIR: folder, WRITEKEY_TEST_DISK: tmpdir() } }
  } catch {
    return {}
  }
}

const inMemory = temporaryFolders()

/** `npm test`: everything but the tests below. */
const unit: ProjectTests = {
  ...inMemory,
  include: ['test/**/*.test.ts'],
  exclude: ['test/long/**', 'test/browser/**', 'test/package/consumers/**', '**/node_modules/**'],
  // Files share a worker and the modules it has loaded: to load them for each file takes longer than most tests. So a test
  // undoes what it does to globals.
  isolate: false,
  setupFiles: ['test/seed-setup.ts', 'test/timers-setup.ts'],
  restoreMocks: true,
  maxWorkers,
  testTimeout: 60_000,
  hookTimeout: 60_000,
}

/** `npm run test:browser`: the page in a real browser, a minute of clicking. */
const browser: ProjectTests = {
  ...inMemory,
  include: ['test/browser/**/*.test.ts'],
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 60_000,
}

/** Shortened campaigns take seconds: one that hangs must not use up the time of all others. */
const longTimeouts = { testTimeout: (process.env.LONG === 'short' ? 3 : 15) * 60_000, hookTimeout: 120_000 }

/** Campaigns that need the machine for themselves: they measure memory, milliseconds or rates, or give Redis 50 ms. */
const longAlone = [
  'bench',
  'bombs',
  'decoding-memory',
  'pruning',
  'faults',
  'redis-fleet',
  'redis-hints',
  'redis-outage',
  'soak',
  'sqlite-pruning',
  'young-requests',
].map((name) => `test/long/${name}.test.ts`)

/** `npm run test:long`: campaigns that take minutes. `LONG=short` shortens them. */
const long: ProjectTests = { include: longAlone, fileParallelism: false, ...longTimeouts }

/** Part of `npm run test:long`: campaigns that mostly wait. Short ones run side by side. */
const longWaiting: ProjectTests = {
  ...(process.env.LONG === 'short' && inMemory),
  include: ['test/long/**/*.test.ts'],
  exclude: [...longAlone, '**/node_modules/**'],
  globalSetup: [services, 'test/long/run-folder-setup.ts'],
  maxWorkers: process.env.LONG === 'short' ? maxWorkers : 1,
  sequence: { groupOrder: 1 },
  ...longTimeouts,
}

/** Small files that take long, the longest first: suites that several files share. The larger a file, the earlier Vitest begins it. */
const beginFirst = [
  'stores/sql/sql-store',
  'adapters/node',
  'stores/sql/failover',
  'stores/sql/exit',
  'docs/code-blocks',
  'limits/memory-limiter',
  'adapters/nestjs',
  'adapters/express',
  'adapters/koa',
  'redis/limiter',
  'neighbours/express',
  'flood/flood',
  'model/revocation',
  'adapters/fetch',
  'long/fault-soak',
  'long/rolling-soak',
  'long/fuzz',
  'long/failover',
  'long/model',
  'long/flood',
  'long/app-pools',
]

/** What takes longest begins first: otherwise it is alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const place = new Map(beginFirst.map((name, index) => [`/test/${name}.test.ts`, index]))
    const placeOf = ({ moduleId }: TestSpecification) =>
      place.get(moduleId.slice(moduleId.lastIndexOf('/test/'))) ?? beginFirst.length
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other))
  }
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
      project('long-waiting', longWaiting),
      project('screenshots', screenshots),
      ...(nestFolder === undefined ? [] : [nest(nestFolder)]),
    ],
    // A test's database is dropped by force: a connection of that test that was still ending hears of it.
    onUnhandledError: ({ message }) =>
      !/^(terminating connection due to administrator command|Connection terminated unexpectedly)$/.test(
        message,
      ),
    // What a passing test makes the package log is no news.
    silent: 'passed-only',
    sequence: { sequencer: LongestFirst },
    reporters: ['default', servicesReporter],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'adapters/**/*.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 95 },
    },
  },
})
