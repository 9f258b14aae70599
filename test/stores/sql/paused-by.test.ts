import { type RawBuilder, sql } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { describeStoresByHand, type StoreByHand } from './stores-by-hand.ts'

const acme = { actor: { name: 'acme', workspace: 'acme' } }

function pausesBesideOlderCode(open: (tablePrefix: string) => Promise<StoreByHand>): void {
  async function start() {
    const tablePrefix = `p${randomBase62(6).toLowerCase()}_`
    const { store, db } = await open(tablePrefix)
    await store.migrate()
    const run = (statement: RawBuilder<unknown>) => statement.execute(db)
    const table = (name: string) => sql.id(tablePrefix + name)
    // From the start: a shorter lease counts only when nobody can go by the longer one any more.
    await run(sql`update ${table('meta')} set lease_ms = 20, longest_lease_ms = 20`)
    const keys = createWriteKeys({ store, logger: false })
    onTestFinished(() => keys.close())
    /** As code of version 7 does, which knows no `paused_by`. */
    const olderChange = (id: string, status: string) =>
      run(sql`update ${table('keys')} set status = ${status}, version = version + 1 where id = ${id}`)
    /** As code of version 7 noted it. */
    const olderEntry = (keyId: string, at: number, after: object) =>
      run(
        sql`insert into ${table('audit')} (id, at, action, key_id, fields_after)
          values (${`aud_${randomBase62(16)}`}, ${at}, 'pause', ${keyId}, ${JSON.stringify(after)})`,
      )
    const paused = async () => {
      const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web', workspace: 'acme' })
      await keys.pause(writeKey.id, acme)
      return writeKey.id
    }
    return { store, keys, run, table, olderChange, olderEntry, paused }
  }

  it('are of unknown origin after a change by older code, and so not the workspace’s to end', async () => {
    const { keys, olderChange, paused } = await start()
    const id = await paused()
    expect(await keys.get(id)).toMatchObject({ status: 'paused', pausedBy: 'workspace' })
    // The column still says `workspace`, but this pause is another one.
    await olderChange(id, 'active')
    await olderChange(id, 'paused')
    expect(await keys.get(id)).toMatchObject({ status: 'paused', pausedBy: null })
    expect((await keys.list({ q: id })).data).toMatchObject([{ pausedBy: null }])
    await expect(keys.resume(id, acme)).rejects.toMatchObject({ reason: 'paused_by_operator' })
    expect(await keys.update(id, { name: 'Renamed' })).toMatchObject({ pausedBy: null })
    await expect(keys.resume(id, acme)).rejects.toMatchObject({ reason: 'paused_by_operator' })
    expect(await keys.resume(id)).toMatchObject({ status: 'active', pausedBy: null })
  })

  it('still keep a key from being deleted when older code revokes it, or changes it afterwards', async () => {
    const { keys, olderChange, paused } = await start()
    const [byOlder, later, unknown] = [await paused(), await paused(), await paused()]
    for (const id of [byOlder, later]) await keys.pause(id)
    await olderChange(byOlder, 'revoked')
    await keys.revoke(later, acme)
    await olderChange(later, 'revoked')
    await olderChange(unknown, 'paused')
    await keys.revoke(unknown, acme)
    for (const id of [byOlder, later, unknown]) {
      expect(await keys.get(id)).toMatchObject({ status: 'revoked', pausedBy: 'operator' })
      await keys.update(id, { name: 'Renamed' }, acme)
      await expect(keys.remove(id, acme)).rejects.toMatchObject({ reason: 'paused_by_operator' })
      await keys.remove(id)
    }
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web', workspace: 'acme' })
    await olderChange(writeKey.id, 'revoked')
    await keys.remove(writeKey.id, acme)
  })

  it('keep their origin when the tables of version 7 are upgraded', async () => {
    const { store, keys, run, table, olderEntry, paused } = await start()
    const [own, operators, takenOver] = [await paused(), await paused(), await paused()]
    for (const column of ['paused_by', 'paused_by_version'])
      await run(sql`alter table ${table('keys')} drop column ${sql.id(column)}`)
    await run(sql`delete from ${table('audit')}`)
    await run(sql`update ${table('meta')} set schema_version = 7, compatible_version = 4`)
    const byWorkspace = { status: 'paused', byWorkspace: 'acme' }
    await olderEntry(own, 1, { status: 'paused' })
    await olderEntry(own, 2, byWorkspace)
    await olderEntry(operators, 1, { status: 'paused' })
    await olderEntry(takenOver, 1, byWorkspace)
    await olderEntry(takenOver, 2, { status: 'paused' })
    await store.migrate()
    expect(await keys.get(own)).toMatchObject({ status: 'paused', pausedBy: 'workspace' })
    expect(await keys.get(operators)).toMatchObject({ status: 'paused', pausedBy: null })
    expect(await keys.get(takenOver)).toMatchObject({ status: 'paused', pausedBy: null })
    const { rows } = (await run(sql`select compatible_version as v from ${table('meta')}`)) as {
      rows: { v: unknown }[]
    }
    expect(Number(rows[0]?.v)).toBe(4)
    expect(await keys.resume(own, acme)).toMatchObject({ status: 'active' })
    await expect(keys.resume(operators, acme)).rejects.toMatchObject({ reason: 'paused_by_operator' })
  })
}

describeStoresByHand('pauses', pausesBesideOlderCode)
