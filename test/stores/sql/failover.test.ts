import { describe, expect, it } from 'vitest'
import { useFolder } from './databases.ts'
import { describeWithServers } from './servers/describe.ts'
import {
  failOver,
  hostileDefaults,
  readOnlyPrimary,
  replaceFile,
  restoreDump,
  shareConnections,
  splitReads,
} from './servers/failover-rows.ts'

const quick = { faults: 1, keys: 6 }

/** One fault each; `npm run test:long -- failover` has a hundred changes and more of every row. */
describeWithServers('postgres', 'no handler starts after the call has returned, on PostgreSQL', () => {
  it('when a replica is promoted that lagged', () => failOver(quick), 60_000)
  it('when a dump is restored', () => restoreDump(quick), 60_000)
  it('when reads go to a replica', () => splitReads(quick), 60_000)
})

describeWithServers('pgbouncer', 'no handler starts after the call has returned, through pgbouncer', () => {
  it('in transaction mode, whose connections are ended', () => shareConnections(quick), 60_000)
})

describeWithServers('mariadb', 'no handler starts after the call has returned, on MariaDB', () => {
  it('when autocommit is off by default', () => hostileDefaults(quick), 60_000)
  it('when the primary is read-only for a while', () => readOnlyPrimary(quick), 60_000)
})

describe('no handler starts after the call has returned, on SQLite', () => {
  const folder = useFolder()
  it('when another file is put in the place of the one that is open', async () => {
    expect(await replaceFile(quick, folder)).toMatchObject({ acceptedAfterReturn: 0 })
  }, 60_000)
})
