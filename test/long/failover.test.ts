import { describe, it } from 'vitest'
import { onDisk, useFolder } from '../stores/sql/databases.ts'
import { describeWithServers } from '../stores/sql/servers/describe.ts'
import {
  databaseClock,
  failOver,
  hostileDefaults,
  readOnlyPrimary,
  replaceFile,
  restoreDump,
  shareConnections,
  splitReads,
  summersLastHour,
} from '../stores/sql/servers/failover-rows.ts'
import type { Summary } from '../stores/sql/servers/fleet.ts'
import { length } from './length.ts'

/** 120 changes a row, the fault meeting them in another moment each time. A backup in place of the file loses half of them. */
const extent = { faults: length(10, 1), keys: length(12, 6) }

function row(name: string, run: () => Promise<Summary>): void {
  it(name, async () => {
    const { ended, lost, verifications, acceptedAfterReturn } = await run()
    console.log(
      `${name}: ${ended} ended, ${lost} lost by the store, ${verifications} verifications, ${acceptedAfterReturn} accepted after the call`,
    )
  })
}

describeWithServers('postgres', 'no handler starts after the call has returned, on PostgreSQL', () => {
  row('a replica that lagged is promoted', () => failOver(extent))
  row('a dump is restored', () => restoreDump(extent))
  row('reads go to a replica', () => splitReads(extent))
})

describeWithServers(
  'postgres with a clock of its own',
  'no handler starts after the call has returned',
  () => {
    row('the clock of PostgreSQL jumps two hours ahead and back', () => databaseClock(extent))
  },
)

describeWithServers(
  'mariadb with a clock of its own',
  'no handler starts after the call has returned',
  () => {
    row('MariaDB lives through the hour that comes twice', () =>
      summersLastHour({ ...extent, faults: Math.max(3, extent.faults) }),
    )
  },
)

describeWithServers('pgbouncer', 'no handler starts after the call has returned, through pgbouncer', () => {
  row('connections are shared between transactions', () => shareConnections(extent))
})

describeWithServers('mariadb', 'no handler starts after the call has returned, on MariaDB', () => {
  row('autocommit is off by default', () => hostileDefaults(extent))
  row('the primary is read-only for a while', () => readOnlyPrimary(extent))
})

describe('no handler starts after the call has returned, on SQLite', () => {
  const folder = useFolder(onDisk)
  row('another file is put in the place of the one that is open', () =>
    replaceFile({ ...extent, faults: 2 * extent.faults }, folder),
  )
})
