import type { Reporter, TestModule } from 'vitest/node'
import { parseSkippedSuite } from './skipped-suite.ts'

/** Says at the end of a run, in plain words, which suites had no service to talk to. */
export const servicesReporter: Reporter = {
  onTestRunEnd(testModules: readonly TestModule[]) {
    const lines = testModules.flatMap((testModule) =>
      [...testModule.children.allSuites()].flatMap(({ name }) => {
        const skipped = parseSkippedSuite(name)
        return skipped === undefined
          ? []
          : `   ${skipped.suite} (${testModule.relativeModuleId}) needs ${skipped.service}`
      }),
    )
    if (lines.length === 0) return
    console.warn(
      [
        '',
        `!! NOT TESTED: ${lines.length} suite${lines.length === 1 ? ' was' : 's were'} skipped, because a service is not reachable:`,
        ...lines,
        '   CONTRIBUTING.md says how to start or name the services. REQUIRE_SERVICES=1 fails instead of skipping.',
        '',
      ].join('\n'),
    )
  },
}
