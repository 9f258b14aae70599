import { describe, expect, it } from 'vitest'
import { onDisk, useFolder } from './databases.ts'
import { describeWithServers } from './servers/describe.ts'
import { failOver, replaceFile } from './servers/failover-rows.ts'

const quick = { faults: 1, keys: 6 }

// Two faults, once each: `npm run test:long -- failover` has all of them, with a hundred changes and more.
describeWithServers('postgres', 'no handler starts after the call has returned, on PostgreSQL', () => {
  it('when a replica is promoted that lagged', () => failOver(quick), 60_000)
})

describe('no handler starts after the call has returned, on SQLite', () => {
  const folder = useFolder(onDisk)
  it('when another file is put in the place of the one that is open', async () => {
    expect(await replaceFile(quick, folder)).toMatchObject({ acceptedAfterReturn: 0 })
  }, 60_000)
})
