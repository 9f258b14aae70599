import { createSqlStore } from '../../../../src/stores/sql/index.ts'
import { type Extent, endDuring, finish, leaseMs } from './failover-rows.ts'
import { pause, type Summary, startFleet } from './fleet.ts'
import { makeDatabase, startMariadb } from './own-mariadb.ts'
import { startPgbouncer } from './own-pgbouncer.ts'
import { startPostgres } from './own-postgres.ts'
import { startSwitch, through } from './switch.ts'

/** The pooler is killed and started again, and meanwhile the server ends its connections, those with hints as well. */
export async function poolerRestarts({ faults, keys: keysPerFault }: Extent): Promise<Summary> {
  const server = await startPostgres()
  let pooler = await startPgbouncer(server.port)
  const address = await startSwitch(pooler.port)
  const url = through(server.url, address.port)
  const fleet = startFleet({ open: () => createSqlStore({ url, notifications: server.url }), leaseMs })
  try {
    for (let fault = 0; fault < faults; fault++) {
      await endDuring(fleet, await fleet.makeKeys(keysPerFault), async () => {
        await pooler.remove()
        await server.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
        )
        await pause((leaseMs * fault) / faults)
        pooler = await startPgbouncer(server.port)
        address.leadTo(pooler.port)
      })
    }
    return await finish(fleet, faults * keysPerFault)
  } finally {
    await fleet.close()
    await address.close()
    await pooler.remove()
    await server.remove()
  }
}

/** The primary takes no writes any more, and ends all connections twice before it does again. */
export async function readOnlyAndKilled({ faults, keys: keysPerFault }: Extent): Promise<Summary> {
  const server = await startMariadb()
  await makeDatabase(server)
  const fleet = startFleet({ open: () => createSqlStore({ url: server.url }), leaseMs })
  const endConnections = async () => {
    const found = await server.query("select id from information_schema.processlist where user = 'writekey'")
    // Some have ended by themselves meanwhile.
    await Promise.all(found.map(({ id }) => server.query(`kill connection ${id}`).catch(() => {})))
  }
  try {
    for (let fault = 0; fault < faults; fault++) {
      await endDuring(fleet, await fleet.makeKeys(keysPerFault), async () => {
        await server.query('set global read_only = 1')
        await endConnections()
        await pause(leaseMs * (0.5 + fault / faults))
        await endConnections()
        await server.query('set global read_only = 0')
      })
    }
    return await finish(fleet, faults * keysPerFault)
  } finally {
    await fleet.close()
    await server.remove()
  }
}
