import { setMaxListeners } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { RunnerTestSuite as Suite, RunnerTestCase as Test } from 'vitest'
import { VitestTestRunner } from 'vitest/runners'
import { type Outcome, outcomeFile } from './instrument.ts'

/** What Stryker's switches in the sources read and write. */
interface Switches {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> }
}

const { getTestFn: getFn, getSuiteHooks: getHooks } = VitestTestRunner

const shared = globalThis as typeof globalThis & { __stryker__?: Switches; mutantsFound?: Found }
interface Found {
  covered: Set<string>
  killed: Set<string>
  unused: string[]
}
shared.__stryker__ ??= {}
shared.mutantsFound ??= { covered: new Set(), killed: new Set(), unused: [] }
const switches = shared.__stryker__
const found = shared.mutantsFound

/** A test that takes longer, in time of the processor, is not repeated for each mutant that it runs through. */
const longestMs = Number(process.env.MUTANTS_LONGEST_MS ?? 400)
const patienceMs = Number(process.env.MUTANTS_PATIENCE_MS ?? 10_000)
/** Those of the machine, as tests that inject a clock replace them. */
const { setTimeout: startTimer, clearTimeout: endTimer } = globalThis
const now = performance.now.bind(performance)

let active: string | undefined
let looks = 0
let mostLooks = Number.POSITIVE_INFINITY
/** Every place of the sources that may be changed looks here first, also in a loop that would never end by itself. */
Object.defineProperty(switches, 'activeMutant', {
  configurable: true,
  get() {
    if (++looks > mostLooks) throw new Error('runs on and on')
    return active
  },
})

/**
 * Runs each test, and again for each mutant that it runs through and none before has killed: in the same process, so that
 * a mutant costs no more than its tests.
 */
export default class MutantRunner extends VitestTestRunner {
  async runTask(test: Test): Promise<void> {
    switches.currentTestId = test.id
    looks = 0
    const startedAt = now()
    const before = process.cpuUsage()
    try {
      await getFn(test)()
    } finally {
      switches.currentTestId = undefined
    }
    const tookMs = now() - startedAt
    const usualLooks = looks
    const { user, system } = process.cpuUsage(before)
    const hits = switches.mutantCoverage?.perTest[test.id] ?? {}
    delete switches.mutantCoverage?.perTest[test.id]
    const open = Object.keys(hits).filter((id) => !found.killed.has(id))
    for (const id of Object.keys(hits)) found.covered.add(id)
    if (open.length === 0) return
    if ((user + system) / 1_000 > longestMs || !(await passes(test, tookMs)))
      return void found.unused.push(test.name)
    ignoreStrayErrors()
    for (const id of open) {
      active = id
      looks = 0
      mostLooks = 10 * usualLooks + 100_000
      const survives = await passes(test, tookMs)
      active = undefined
      mostLooks = Number.POSITIVE_INFINITY
      if (survives) continue
      // What a mutant has broken for good would kill all others.
      if (!(await passes(test, tookMs))) return void found.unused.push(test.name)
      found.killed.add(id)
    }
  }

  override onAfterRunFiles(): void {
    super.onAfterRunFiles()
    const { covered, killed, unused } = found
    const outcome: Outcome = { covered: [...covered], killed: [...killed], unused }
    mkdirSync('.stryker', { recursive: true })
    writeFileSync(outcomeFile, JSON.stringify(outcome))
  }
}

/** A test that a mutant has ended early leaves promises that nobody awaits. Vitest tells of none while others listen. */
function ignoreStrayErrors(): void {
  for (const event of ['unhandledRejection', 'uncaughtException'])
    if (!process.listeners(event as never).includes(ignore)) process.on(event, ignore)
}

function ignore(): void {}

/** Runs a test once more, with the hooks around it. */
async function passes(test: Test, tookMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = startTimer(() => reject(new Error('takes too long')), patienceMs + 20 * tookMs)
  })
  try {
    await repeat(test, late)
    return true
  } catch {
    return false
  } finally {
    endTimer(timer)
  }
}

/** What comes after a test is run for one that takes too long, too: it must not change the next one. */
async function repeat(test: Test, late: Promise<never>): Promise<void> {
  const suites: Suite[] = []
  for (let suite: Suite | undefined = test.suite ?? test.file; suite; suite = suite.suite)
    suites.unshift(suite)
  if (suites[0] !== test.file) suites.unshift(test.file)
  const cleanUps: unknown[] = []
  try {
    for (const suite of suites)
      for (const hook of getHooks(suite).beforeEach) cleanUps.push(await hook(test.context as never, suite))
    // What an assertion of a run before still waits for is no part of this one.
    test.promises = []
    setMaxListeners(0, test.context.signal)
    await Promise.race([getFn(test)(), late])
  } finally {
    for (const suite of suites.toReversed())
      for (const hook of getHooks(suite).afterEach) await hook(test.context as never, suite)
    for (const cleanUp of cleanUps) if (typeof cleanUp === 'function') await cleanUp()
    const { onFinished } = test as { onFinished?: ((context: unknown) => unknown)[] }
    for (const hook of onFinished?.splice(0).reverse() ?? []) await hook(test.context)
  }
}
