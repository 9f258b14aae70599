import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createWriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { poolerRestarts, readOnlyAndKilled } from '../stores/sql/servers/combined-rows.ts'
import { describeWithServers } from '../stores/sql/servers/describe.ts'
import type { Summary } from '../stores/sql/servers/fleet.ts'
import { type OwnPostgres, startPostgres } from '../stores/sql/servers/own-postgres.ts'
import { startSwitch, through } from '../stores/sql/servers/switch.ts'
import { length } from './length.ts'
import { sharedNow } from './processes/messages.ts'
import { buildProgram, type Running } from './processes/spawn.ts'
import { type Change, check, readLog } from './verification-log.ts'

const extent = { faults: length(10, 1), keys: length(12, 6) }
const leaseMs = 400

function row(name: string, run: () => Promise<Summary>): void {
  it(name, async () => {
    const { ended, lost, verifications, acceptedAfterReturn } = await run()
    console.log(
      `${name}: ${ended} ended, ${lost} lost by the store, ${verifications} verifications, ${acceptedAfterReturn} accepted after the call`,
    )
  })
}

describeWithServers('pgbouncer', 'no handler starts after the call has returned, through pgbouncer', () => {
  row('the pooler starts again while the server ends connections and hints', () => poolerRestarts(extent))
})

describeWithServers('mariadb', 'no handler starts after the call has returned, on MariaDB', () => {
  row('the primary is read-only, and ends connections', () => readOnlyAndKilled(extent))
})

describeWithServers('postgres', 'no handler starts after the call has returned, on PostgreSQL', () => {
  it('a process is frozen, and goes on when a replica that lagged has been promoted', async () => {
    const program = await buildProgram('verifier')
    const logs = mkdtempSync(join(tmpdir(), 'writekey-combined-'))
    const logOf = (index: number) => join(logs, `${index}.log`)
    let primary: OwnPostgres = await startPostgres()
    const address = await startSwitch(primary.port)
    const url = through(primary.url, address.port)
    const manager = createWriteKeys({
      store: createSqlStore({ url, notifications: false }),
      cache: { leaseMs },
      logger: false,
    })
    const verifiers: Running[] = []
    const changes = new Map<number, Change>()
    try {
      await manager.list()
      for (let index = 0; index < 2; index++) {
        verifiers.push(
          await program.start({ url, notifications: false, leaseMs, log: logOf(index), pauseMs: 10 }),
        )
      }
      const [frozen] = verifiers as [Running]
      for (let fault = 0; fault < extent.faults; fault++) {
        const replication = await startSwitch(primary.port)
        const replica = await primary.replicate(replication.port)
        const made = await Promise.all(
          Array.from({ length: extent.keys + 1 }, async (_, place) => {
            const { writeKey, key } = await manager.create({ name: `Key ${place}`, sourceType: 'server' })
            return { index: fault * extent.keys + place - 1, id: writeKey.id, secret: key }
          }),
        )
        const [renamed, ...secrets] = made as [(typeof made)[0], ...typeof made]
        const ids = secrets.map(({ id }) => `'${id}'`).join()
        const replicated = async () =>
          (await replica.query(`select 1 from writekey_keys where id in (${ids})`)).length
        await expect.poll(replicated).toBe(secrets.length)
        await Promise.all(verifiers.map((verifier) => verifier.ask({ type: 'verify', secrets })))
        // These changes are lost, and the new primary hands out their numbers again.
        replication.leadTo(1)
        replication.cut()
        for (let index = 0; index < secrets.length; index++) {
          await manager.update(renamed.id, { name: `Renamed ${index}` })
        }
        frozen.child.kill('SIGSTOP')
        await primary.kill()
        address.leadTo(replica.port)
        address.cut()
        await replica.promote()
        await Promise.all(
          secrets.map(async ({ index, id }) => {
            const place = index % extent.keys
            await new Promise((resolve) => setTimeout(resolve, (leaseMs * place) / extent.keys))
            const calledAt = sharedNow()
            await insist(() => manager.revoke(id))
            changes.set(index, { action: 'revoke', calledAt, returnedAt: sharedNow() })
          }),
        )
        frozen.child.kill('SIGCONT')
        await Promise.all(verifiers.map((verifier) => verifier.ask({ type: 'again' })))
        await replication.close()
        await primary.remove()
        primary = replica
      }
      for (const verifier of verifiers) await verifier.ask({ type: 'finish' })
      const history = verifiers.flatMap((_, index) => readLog(logOf(index)))
      const { violations, accepted } = check(history, changes)
      console.log(
        `frozen through a failover: ${changes.size} ended, ${history.length} verifications, ${accepted} accepted, ${violations.length} after the call`,
      )
      expect(violations).toEqual([])
      expect(changes.size).toBe(extent.faults * extent.keys)
      expect(accepted).toBeGreaterThanOrEqual(2 * changes.size)
    } finally {
      for (const verifier of verifiers) await verifier.kill()
      await manager.close()
      await address.close()
      await primary.remove()
      program.remove()
      rmSync(logs, { recursive: true, force: true })
    }
  })
})

/** A call without an answer is repeated, as the docs say. */
async function insist(call: () => Promise<unknown>): Promise<void> {
  await expect
    .poll(
      () =>
        call().then(
          () => true,
          () => false,
        ),
      { timeout: 60_000 },
    )
    .toBe(true)
}
