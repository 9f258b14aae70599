import { execFileSync } from 'node:child_process'
import { renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { expect } from 'vitest'
import { createWriteKeys } from '../../../../src/index.ts'
import { createSqlStore } from '../../../../src/stores/sql/index.ts'
import { createFakeClock } from '../../../fake-clock.ts'
import { type Fleet, pause, type Summary, startFleet, type UsedKey } from './fleet.ts'
import { makeDatabase, startMariadb, startMariadbIn } from './own-mariadb.ts'
import { startPgbouncer } from './own-pgbouncer.ts'
import { type OwnPostgres, postgresPrograms, startPostgres } from './own-postgres.ts'
import { startSplittingProxy } from './splitting-proxy.ts'
import { startSwitch, through } from './switch.ts'

export const leaseMs = 400

/**
 * Calls that end keys, spread over the phases of a fault: while everything is well, just before, during and after, so
 * that the fault meets calls before their commit, in their wait and in their last look.
 */
export async function endDuring(
  fleet: Fleet,
  keys: readonly UsedKey[],
  breakIt: () => Promise<void>,
): Promise<void> {
  const third = Math.max(1, Math.floor(keys.length / 3))
  const calls: Promise<void>[] = []
  const spread = async (some: readonly UsedKey[], overMs: number) => {
    for (const key of some) {
      calls.push(fleet.revoke(key))
      await pause(overMs / some.length)
    }
  }
  await spread(keys.slice(0, third), leaseMs * 1.5)
  const breaking = breakIt()
  await spread(keys.slice(third, 2 * third), leaseMs / 2)
  await breaking
  await spread(keys.slice(2 * third), leaseMs)
  await Promise.all(calls)
  // Long enough for everybody to have polled, whatever they had missed.
  await pause(2 * leaseMs)
}

/** Everything works again: a new key is accepted by all. */
export async function finish(fleet: Fleet, least: number): Promise<Summary> {
  await fleet.makeKeys(1)
  const summary = await fleet.summarize()
  expect(summary.acceptedAfterReturn).toBe(0)
  expect(summary.ended).toBeGreaterThanOrEqual(least)
  return summary
}

/** How much of a row: each fault meets so many changes. */
export interface Extent {
  faults: number
  keys: number
}

/** Changes that nobody waits for: they only raise the revision. */
async function raiseRevision(fleet: Fleet, key: UsedKey, times: number): Promise<void> {
  for (let index = 0; index < times; index++) {
    await fleet.manager().update(key.id, { name: `Renamed ${index}` })
  }
}

/**
 * A replica that lags is promoted; the old primary is gone. Verifiers have seen revisions that are lost, and hear of the new
 * primary only when it has handed out their numbers again, for changes that they must not miss.
 */
export async function failOver({ faults, keys: keysPerFault }: Extent): Promise<Summary> {
  let primary: OwnPostgres = await startPostgres()
  const [address, managersAddress] = [await startSwitch(primary.port), await startSwitch(primary.port)]
  const fleet = startFleet({
    open: () => createSqlStore({ url: through(primary.url, address.port), notifications: false }),
    openForManager: () =>
      createSqlStore({ url: through(primary.url, managersAddress.port), notifications: false }),
    leaseMs,
  })
  try {
    for (let fault = 0; fault < faults; fault++) {
      const replication = await startSwitch(primary.port)
      const replica = await primary.replicate(replication.port)
      const [renamed, ...keys] = (await fleet.makeKeys(keysPerFault + 1)) as [UsedKey, ...UsedKey[]]
      await expect
        .poll(
          async () =>
            (await replica.query(`select 1 from writekey_keys where id = '${keys.at(-1)?.id}'`)).length,
        )
        .toBe(1)
      const afterwards = keys.splice(-Math.ceil(keysPerFault / 3))
      await endDuring(fleet, keys, async () => {
        // From here on the replica lags; what is committed and not told by then is lost.
        replication.leadTo(1)
        replication.cut()
        await raiseRevision(fleet, renamed, afterwards.length + 2)
        await pause(leaseMs * (0.4 + fault / faults))
        await primary.kill()
        address.leadTo(1)
        address.cut()
        managersAddress.cut()
        await replica.promote()
        managersAddress.leadTo(replica.port)
        for (const key of afterwards) await fleet.revoke(key)
        await raiseRevision(fleet, renamed, keysPerFault)
        address.leadTo(replica.port)
      })
      await replication.close()
      await primary.remove()
      primary = replica
    }
    const summary = await finish(fleet, (faults * keysPerFault) / 3)
    expect(fleet.regressions()).toBeGreaterThan(0)
    return summary
  } finally {
    await fleet.close()
    await Promise.all([address.close(), managersAddress.close()])
    await primary.remove()
  }
}

/** A dump is restored: revisions are handed out for a second time. */
export async function restoreDump({ faults, keys: keysPerFault }: Extent): Promise<Summary> {
  const server = await startPostgres()
  const run = (program: string, ...args: string[]) =>
    execFileSync(
      join(postgresPrograms as string, program),
      ['-h', '127.0.0.1', '-p', `${server.port}`, '-U', 'postgres', ...args],
      {
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    )
  const address = await startSwitch(server.port)
  const fleet = startFleet({
    open: () => createSqlStore({ url: through(server.url, address.port), notifications: false }),
    openForManager: () => createSqlStore({ url: server.url, notifications: false }),
    leaseMs,
  })
  try {
    for (let fault = 0; fault < faults; fault++) {
      const [renamed, ...keys] = (await fleet.makeKeys(keysPerFault + 1)) as [UsedKey, ...UsedKey[]]
      const dump = run('pg_dump', '--inserts', '--clean', '--if-exists', 'postgres')
      const statements = dump.replaceAll(/^\\.*$/gm, '')
      const afterwards = keys.splice(-Math.ceil(keysPerFault / 3))
      await endDuring(fleet, keys, async () => {
        await raiseRevision(fleet, renamed, afterwards.length + 2)
        await pause(leaseMs * (0.4 + fault / faults))
        address.leadTo(1)
        address.cut()
        await server.query(`begin; ${statements}; commit`)
        for (const key of afterwards) await fleet.revoke(key)
        await raiseRevision(fleet, renamed, keysPerFault)
        address.leadTo(server.port)
      })
    }
    const summary = await finish(fleet, (faults * keysPerFault) / 3)
    expect(fleet.regressions()).toBeGreaterThan(0)
    return summary
  } finally {
    await fleet.close()
    await address.close()
    await server.remove()
  }
}

/** A proxy sends verifiers' reads to a replica that lags; whoever manages keys reaches the primary. */
export async function splitReads({ faults, keys: keysPerFault }: Extent): Promise<Summary> {
  const primary = await startPostgres()
  const replica = await primary.replicate()
  const proxy = await startSplittingProxy(primary.port, replica.port)
  const fleet = startFleet({
    open: () => createSqlStore({ url: through(primary.url, proxy.port), notifications: false }),
    openForManager: () => createSqlStore({ url: primary.url, notifications: false }),
    leaseMs,
  })
  try {
    for (let fault = 0; fault < faults; fault++) {
      const keys = await fleet.makeKeys(keysPerFault)
      await replica.query('select pg_wal_replay_pause()')
      const meanwhile = keys.splice(-Math.ceil(keysPerFault / 3))
      await endDuring(fleet, keys, async () => {
        proxy.split(true)
        await Promise.all(meanwhile.map((key) => fleet.revoke(key)))
        await pause(leaseMs * (1 + fault / faults))
        proxy.split(false)
      })
      await replica.query('select pg_wal_replay_resume()')
    }
    return await finish(fleet, faults * keysPerFault)
  } finally {
    await fleet.close()
    await proxy.close()
    await replica.remove()
    await primary.remove()
  }
}

/** A pooler that gives every transaction another connection; hints come over a direct one. */
export async function shareConnections({ faults, keys: keysPerFault }: Extent): Promise<Summary> {
  const server = await startPostgres()
  const pooler = await startPgbouncer(server.port)
  const url = through(server.url, pooler.port)
  const fleet = startFleet({ open: () => createSqlStore({ url, notifications: server.url }), leaseMs })
  try {
    for (let fault = 0; fault < faults; fault++) {
      await endDuring(fleet, await fleet.makeKeys(keysPerFault), async () => {
        await server.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
        )
      })
    }
    return await finish(fleet, faults * keysPerFault)
  } finally {
    await fleet.close()
    await pooler.remove()
    await server.remove()
  }
}

/** A server whose defaults would freeze what a connection sees, and harm text. */
export async function hostileDefaults({ faults, keys: keysPerFault }: Extent): Promise<Summary> {
  const server = await startMariadb(
    'autocommit=0',
    'transaction-isolation=REPEATABLE-READ',
    'sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES',
    'character-set-server=latin1',
    'skip-character-set-client-handshake',
  )
  await makeDatabase(server)
  const fleet = startFleet({ open: () => createSqlStore({ url: server.url }), leaseMs })
  try {
    const { writeKey } = await fleet.manager().create({ name: "O'Brien \\ 🌍", sourceType: 'web' })
    expect((await fleet.manager().get(writeKey.id)).name).toBe("O'Brien \\ 🌍")
    for (let fault = 0; fault < faults; fault++) {
      await endDuring(fleet, await fleet.makeKeys(keysPerFault), () => pause(leaseMs))
    }
    return await finish(fleet, faults * keysPerFault)
  } finally {
    await fleet.close()
    await server.remove()
  }
}

/** The primary takes no writes for a while: calls wait, and nobody is stopped from verifying. */
export async function readOnlyPrimary({ faults, keys: keysPerFault }: Extent): Promise<Summary> {
  const server = await startMariadb()
  await makeDatabase(server)
  const fleet = startFleet({ open: () => createSqlStore({ url: server.url }), leaseMs })
  try {
    for (let fault = 0; fault < faults; fault++) {
      const [kept, ...keys] = (await fleet.makeKeys(keysPerFault + 1)) as [UsedKey, ...UsedKey[]]
      const cold = startFleet({ open: () => createSqlStore({ url: server.url }), leaseMs, verifiers: 1 })
      await endDuring(fleet, keys, async () => {
        await server.query('set global read_only = 1')
        await pause(3 * leaseMs)
        const since = performance.now()
        // Cached, and not cached by a process that starts now.
        await expect.poll(() => kept.acceptedAt.filter((at) => at > since).length).toBe(3)
        await expect.poll(() => cold.accepts(kept)).toBe(true)
        await server.query('set global read_only = 0')
      })
      await cold.close()
    }
    return await finish(fleet, faults * keysPerFault)
  } finally {
    await fleet.close()
    await server.remove()
  }
}

/** What is in a file and in its log, as a file that needs no log. */
function backUp(file: string, backup: string): void {
  const database = new Database(file)
  database.exec('pragma busy_timeout = 5000')
  database.exec(`vacuum into '${backup}'`)
  database.close()
}

/** A backup of the SQLite file is put in its place, and a process that starts then changes keys. */
export async function replaceFile({ faults, keys: keysPerFault }: Extent, folder: string): Promise<Summary> {
  const file = join(folder, 'keys.db')
  const fleet = startFleet({ open: () => createSqlStore({ url: `sqlite:${file}` }) })
  try {
    for (let fault = 0; fault < faults; fault++) {
      const keys = await fleet.makeKeys(keysPerFault)
      const [changed, backup] = ['changed', 'backup'].map((name) => join(folder, `${name}-${fault}.db`)) as [
        string,
        string,
      ]
      backUp(file, changed)
      const before = statSync(file).ino
      await endDuring(fleet, keys, async () => {
        // The backup has a history of its own, with numbers that the verifiers have seen.
        const other = createWriteKeys({ store: createSqlStore({ url: `sqlite:${changed}` }) })
        for (const key of keys) await other.update(key.id, { name: 'Renamed' })
        await other.close()
        backUp(changed, backup)
        await pause((100 / faults) * fault)
        renameSync(backup, file)
        fleet.renewManager()
      })
      expect(statSync(file).ino).not.toBe(before)
    }
    return await finish(fleet, (faults * keysPerFault) / 3)
  } finally {
    await fleet.close()
  }
}

/** The database's clock jumps two hours ahead, and back, while keys are ended. */
export async function databaseClock({ faults, keys }: Extent): Promise<Summary> {
  const clock = createFakeClock()
  const server = await startPostgres(clock.env)
  const fleet = startFleet({ open: () => createSqlStore({ url: server.url, notifications: false }), leaseMs })
  try {
    for (let fault = 0; fault < faults; fault++) {
      const isAhead = fault % 2 === 0
      await endDuring(fleet, await fleet.makeKeys(keys), async () => clock.set(isAhead ? 2 * 3_600 : 0))
      const [row] = await server.query('select extract(epoch from clock_timestamp()) as now')
      const aheadSeconds = Number(row?.now) - Date.now() / 1_000
      expect(Math.abs(aheadSeconds - (isAhead ? 2 * 3_600 : 0))).toBeLessThan(600)
    }
    return await finish(fleet, faults * keys)
  } finally {
    await fleet.close()
    await server.remove()
    clock.remove()
  }
}

/** The last hour of summer comes twice in the database's time zone: local times go back, and tell of two moments. */
export async function summersLastHour({ faults, keys }: Extent): Promise<Summary> {
  const clock = createFakeClock()
  const server = await startMariadbIn({ ...clock.env, TZ: 'Europe/Berlin' })
  await makeDatabase(server)
  const endOfSummer = Date.UTC(2026, 9, 25, 1) / 1_000
  const toEnd = (seconds: number) => Math.round(endOfSummer + seconds - Date.now() / 1_000)
  const fleet = startFleet({ open: () => createSqlStore({ url: server.url }), leaseMs })
  try {
    clock.set(toEnd(-1_800))
    for (let fault = 0; fault < faults; fault++) {
      const used = await fleet.makeKeys(keys)
      // In the hour that comes twice, over its end, and in the one that has begun again.
      clock.set(toEnd([-1_800, -1, 1_800][fault % 3] as number))
      await endDuring(fleet, used, async () => {})
    }
    const [row] = await server.query('select unix_timestamp() as now')
    expect(Math.abs(Number(row?.now) - endOfSummer)).toBeLessThan(2 * 3_600)
    return await finish(fleet, faults * keys)
  } finally {
    await fleet.close()
    await server.remove()
    clock.remove()
  }
}
