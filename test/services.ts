import { describe, inject, it } from 'vitest'
import { nameSkippedSuite } from './skipped-suite.ts'

/** The real servers and programs a suite may need. `services-setup.ts` finds out which of them are there. */
export type ServiceName =
  | 'postgres'
  | 'mysql'
  | 'redis'
  | 'chromium'
  | 'nginx'
  | 'haproxy'
  | 'nats'
  | 'promtool'
  | 'inngest'
  | 'recipes'

/** What was found out about one service. `address` is a URL, or the path of a program. */
export interface Service {
  label: string
  address: string
  variable: string
  /** Why it cannot be used, in the words of whatever refused. */
  problem?: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    services: Record<ServiceName, Service>
    requireServices: boolean
  }
}

/**
 * A suite that talks to a real service. `run` receives its address. When the service is not reachable the suite
 * is skipped, and the run says so at its end; with `REQUIRE_SERVICES=1` it fails instead.
 *
 * Other runs may use the same server at the same time: take a database, schema or key prefix of your own.
 *
 * @example
 * describeWithService('redis', 'the Redis limiter', (url) => {
 *   it('admits what fits', async () => { … })
 * })
 */
export function describeWithService(
  service: ServiceName,
  name: string,
  run: (address: string) => void,
): void {
  const { label, address, variable, problem } = inject('services')[service]
  if (problem === undefined) {
    describe(name, () => run(address))
  } else if (inject('requireServices')) {
    describe(name, () => {
      it(`needs ${label}`, () => {
        throw new Error(
          `REQUIRE_SERVICES is set, but ${label} at ${address} is not reachable: ${problem}. ` +
            `Start it, or name another with ${variable}.`,
        )
      })
    })
  } else {
    describe.skip(nameSkippedSuite(name, label), () => run(address))
  }
}
