import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { type OwnPostgres, startPostgres } from '../../stores/sql/servers/own-postgres.ts'
import { startSwitch, through } from '../../stores/sql/servers/switch.ts'

/** A PostgreSQL that fails over and loses nothing that it has said to be stored: its replica is a synchronous one. */
export async function startDatabases() {
  let primary: OwnPostgres = await startPostgres()
  const address = await startSwitch(primary.port)
  return {
    url: through(primary.url, address.port),
    async failOver(outageMs: number) {
      const replica = await primary.replicate()
      await primary.query(`alter system set synchronous_standby_names = '*'`)
      await primary.query('select pg_reload_conf()')
      const isSynchronous = async () =>
        (await primary.query(`select 1 from pg_stat_replication where sync_state = 'sync'`)).length
      await expect.poll(isSynchronous, { timeout: 60_000 }).toBe(1)
      await sleep(1_000)
      await primary.kill()
      address.leadTo(1)
      address.cut()
      await replica.promote()
      await sleep(outageMs)
      address.leadTo(replica.port)
      await primary.remove()
      primary = replica
    },
    async close() {
      await address.close()
      await primary.remove()
    },
  }
}
