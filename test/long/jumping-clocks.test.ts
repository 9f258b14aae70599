import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { randomBase62 } from '../../src/runtime/base62.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { describeWithService } from '../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from '../stores/sql/databases.ts'

const hourMs = 3_600_000
/** Wall clocks: before the epoch, at it, hours back and ahead as where somebody takes DST for UTC, and far off. */
const jumps = [
  () => -1,
  () => 0,
  () => -86_400_000_000,
  () => Date.now(),
  () => Date.now() - hourMs,
  () => Date.now() + hourMs,
  () => Date.now() - 40 * 24 * hourMs,
  () => 4_102_444_800_000,
]

async function verify(keys: WriteKeys, key: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const verdict = await keys.verify({ method: 'GET', path: '/v1/track', headers })
  return verdict.ok ? 'accepted' : verdict.reason
}

function jumpingClocks(urlOf: () => string): void {
  it('hide no revocation, pause, rotation or removal, a hundred times', async () => {
    const clocks = [0, 1, 2].map((index) => {
      let at = index
      return {
        jump: () => {
          at = Math.floor(Math.random() * jumps.length)
        },
        now: () => Math.floor((jumps[at] as () => number)()),
        monotonic: () => performance.now(),
      }
    })
    const tablePrefix = `j${randomBase62(6).toLowerCase()}_`
    const processes = clocks.map((clock) => {
      const store = createSqlStore({ url: urlOf(), tablePrefix })
      const keys = createWriteKeys({ store, clock, logger: false, cache: { leaseMs: 60 } })
      onTestFinished(() => keys.close())
      return keys
    })
    const [manager] = processes as [WriteKeys]
    await manager.ready()
    const actions = ['revoke', 'pause', 'rotate', 'remove'] as const
    for (let group = 0; group < 10; group++) {
      for (const clock of clocks) clock.jump()
      const created = await Promise.all(
        Array.from({ length: 10 }, (_, index) => manager.create({ name: `${index}`, sourceType: 'web' })),
      )
      for (const keys of processes)
        for (const { key } of created) expect(await verify(keys, key)).toBe('accepted')
      await Promise.all(
        created.map(async ({ writeKey: { id }, key }, index) => {
          const action = actions[index % actions.length] as (typeof actions)[number]
          clocks[index % clocks.length]?.jump()
          if (action === 'rotate') await manager.rotate(id, { gracePeriodHours: 0 })
          else await manager[action](id)
          for (const clock of clocks) clock.jump()
          for (const keys of processes) expect(await verify(keys, key), action).not.toBe('accepted')
        }),
      )
    }
    const { data } = await manager.audit({ limit: 100 })
    expect(data).toHaveLength(100)
  })
}

describe('wall clocks that jump, on SQLite,', () => {
  const folder = useFolder()
  jumpingClocks(() => `sqlite:${join(folder, 'keys.db')}`)
})

describeWithService('postgres', 'wall clocks that jump, on PostgreSQL,', (address) => {
  const database = usePostgresDatabase(address)
  jumpingClocks(() => database.url)
})

describeWithService('mysql', 'wall clocks that jump, on MariaDB,', (address) => {
  const database = useMysqlDatabase(address)
  jumpingClocks(() => database.url)
})
