import { afterAll, describe, inject, it } from 'vitest'
import { hasFakeClock } from '../../../fake-clock.ts'
import { nameSkippedSuite } from '../../../skipped-suite.ts'
import { hasMariadb } from './own-mariadb.ts'
import { hasPgbouncer } from './own-pgbouncer.ts'
import { postgresPrograms } from './own-postgres.ts'
import { endServers } from './own-server.ts'

const installed = {
  postgres: {
    label: 'the programs of a PostgreSQL server (initdb, postgres)',
    isThere: postgresPrograms !== undefined,
  },
  pgbouncer: {
    label: 'pgbouncer and a PostgreSQL server',
    isThere: hasPgbouncer && postgresPrograms !== undefined,
  },
  'postgres with a clock of its own': {
    label: 'the programs of a PostgreSQL server, and libfaketime',
    isThere: postgresPrograms !== undefined && hasFakeClock,
  },
  'mariadb with a clock of its own': {
    label: 'the programs of a MariaDB server, and libfaketime',
    isThere: hasMariadb && hasFakeClock,
  },
  mariadb: { label: 'the programs of a MariaDB server (mariadb-install-db, mariadbd)', isThere: hasMariadb },
}

/**
 * A suite that starts servers of its own, to break them. Skipped where they are not installed, and the run says so at its
 * end; with `REQUIRE_SERVICES=1` it fails instead.
 */
export function describeWithServers(kind: keyof typeof installed, name: string, run: () => void): void {
  const { label, isThere } = installed[kind]
  if (isThere) {
    describe(name, () => {
      afterAll(endServers)
      run()
    })
  } else if (inject('requireServices')) {
    describe(name, () => {
      it(`needs ${label}`, () => {
        throw new Error(`REQUIRE_SERVICES is set, but ${label} are not installed.`)
      })
    })
  } else describe.skip(nameSkippedSuite(name, label), run)
}
