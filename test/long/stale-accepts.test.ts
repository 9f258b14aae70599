import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWriteKeys, type KeyStore, type WriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import type { Awaitable } from '../../src/testing/index.ts'
import { describeWithService } from '../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { summarize } from './percentile.ts'
import { sharedNow } from './processes/messages.ts'
import { startProxy, type TcpProxy } from './processes/proxy.ts'
import { buildProgram, type Program, type Running } from './processes/spawn.ts'
import { type Change, check, readLog } from './verification-log.ts'

const verifierCount = 4
/** Changes per campaign: as many revokes, pauses and grace-0 rotations each, and a fifth of that of removals. Two pauses of five are ended. */
const revokes = length(1_000, 10)
const groupSize = length(64, 16)
const leaseMs = length(2_000, 400)
/** Longest freeze. SQLite has one writer: one that is frozen while it writes holds up all others, who wait for 5 s. */
const freezeMs = (url: string) => (url.startsWith('sqlite:') ? 3_000 : 4 * leaseMs)

type Disturbance = 'none' | 'frozen' | 'blackhole' | 'listener-killed'

interface Campaign {
  url: string
  notifications: boolean
  disturbance: Disturbance
}

let program: Program
beforeAll(async () => {
  program = await buildProgram('verifier')
})
afterAll(() => program?.remove())

describe('SQLite: no verification that starts after the call returned is accepted', () => {
  const folder = useFolder()
  const campaign = (name: string, disturbance: Disturbance) =>
    it(name, () =>
      run(name, { url: `sqlite:${join(folder, `${disturbance}.db`)}`, notifications: false, disturbance }),
    )
  campaign('while everybody is well', 'none')
  campaign('by a process that was frozen meanwhile', 'frozen')
})

describeWithService(
  'postgres',
  'PostgreSQL: no verification that starts after the call returned is accepted',
  (address) => {
    const database = usePostgresDatabase(address)
    const campaign = (name: string, notifications: boolean, disturbance: Disturbance) =>
      it(name, () => run(name, { url: database.url, notifications, disturbance }))
    campaign('with notifications', true, 'none')
    campaign('without notifications', false, 'none')
    campaign('when the listening connections are killed', true, 'listener-killed')
    campaign('by a process that was frozen meanwhile', true, 'frozen')
    campaign('by a process that cannot reach the database', true, 'blackhole')
  },
)

describeWithService(
  'mysql',
  'MariaDB: no verification that starts after the call returned is accepted',
  (address) => {
    const database = useMysqlDatabase(address)
    const campaign = (name: string, disturbance: Disturbance) =>
      it(name, () => run(name, { url: database.url, notifications: false, disturbance }))
    campaign('while everybody is well', 'none')
    campaign('by a process that was frozen meanwhile', 'frozen')
    campaign('by a process that cannot reach the database', 'blackhole')
  },
)

async function run(name: string, { url, notifications, disturbance }: Campaign): Promise<void> {
  const logs = mkdtempSync(join(tmpdir(), 'writekey-stale-'))
  const proxy = disturbance === 'blackhole' ? await proxyTo(url) : undefined
  const writes: Writes = new Map()
  const store = noteWrites(createSqlStore({ url, notifications }), writes)
  const manager = createWriteKeys({ store, cache: { leaseMs } })
  const verifiers: Running[] = []
  const changes = new Map<number, Change>()
  try {
    await manager.list()
    const logOf = (index: number) => join(logs, `${index}.log`)
    for (let index = 0; index < verifierCount; index++) {
      verifiers.push(
        await program.start({
          url: index === 0 && proxy !== undefined ? throughProxy(url, proxy) : url,
          notifications,
          leaseMs,
          log: logOf(index),
          pauseMs: 25,
        }),
      )
    }
    const groups = Math.ceil((revokes * 3.2) / groupSize)
    for (let group = 0; group < groups; group++) {
      await changeGroup(manager, verifiers, group, { changes, writes, disturbance, url, proxy })
    }
    let verified = 0
    for (const verifier of verifiers)
      verified += (await verifier.ask<{ verified: number }>({ type: 'finish' })).verified
    const history = verifiers.flatMap((_, index) => readLog(logOf(index)))
    const { violations, propagation, accepted, resumed } = check(history, changes)
    const written = [...writes.values()].map(({ tookMs }) => tookMs)
    const calls = [...changes.values()].map((change) => change.returnedAt - change.calledAt)
    const waits = [...changes.values()].map(({ returnedAt, committedAt = 0 }) => returnedAt - committedAt)
    const resumes = [...changes.values()].flatMap(({ resume }) => resume ?? [])
    console.log(
      `${name}: ${changes.size} changes, ${resumes.length} resumed, ${verified} verifications, ${accepted} accepted, ${violations.length} stale\n` +
        `  call: ${summarize(calls)}; of it the write: ${summarize(written)}; after the commit: ${summarize(waits)}\n` +
        `  last accepted after the commit: ${summarize(propagation.afterCommit)}, longest ${Math.max(...propagation.afterCommit).toFixed(0)} ms; ` +
        `after the call began: ${summarize(propagation.afterCall)}\n` +
        `  resume: ${summarize(resumes.map((resume) => resume.returnedAt - resume.calledAt))}`,
    )
    expect(violations).toEqual([])
    expect(history.length).toBe(verified)
    // The checker saw what it is there to see: every key was in use everywhere, and was refused in the end.
    expect(accepted).toBeGreaterThanOrEqual(changes.size * verifierCount)
    expect(propagation.afterCommit.length).toBe(changes.size)
    expect(resumed).toBe(resumes.length)
  } finally {
    for (const verifier of verifiers) await verifier.kill()
    await manager.close()
    await proxy?.close()
    rmSync(logs, { recursive: true, force: true })
  }
}

/** The last write of each key: how long it took, and when it was committed, on the clock that all processes share. */
type Writes = Map<string, { tookMs: number; at: number }>

function noteWrites(store: KeyStore, writes: Writes): KeyStore {
  async function timed<Written>(id: string, write: () => Awaitable<Written>) {
    const startedAt = sharedNow()
    const written = await write()
    const at = sharedNow()
    writes.set(id, { tookMs: at - startedAt, at })
    return written
  }
  return {
    ...store,
    replace: (record, audit) => timed(record.id, () => store.replace(record, audit)),
    remove: (id, version, audit) => timed(id, () => store.remove(id, version, audit)),
  }
}

async function changeGroup(
  manager: WriteKeys,
  verifiers: readonly Running[],
  group: number,
  {
    changes,
    writes,
    disturbance,
    url,
    proxy,
  }: {
    changes: Map<number, Change>
    writes: Writes
    disturbance: Disturbance
    url: string
    proxy: TcpProxy | undefined
  },
): Promise<void> {
  const created = await Promise.all(
    Array.from({ length: groupSize }, async (_, place) => ({
      index: group * groupSize + place,
      ...(await manager.create({ name: `key ${place}`, sourceType: 'server' })),
    })),
  )
  const secrets = created.map(({ index, key }) => ({ index, secret: key }))
  await Promise.all(verifiers.map((verifier) => verifier.ask({ type: 'verify', secrets })))
  const first = verifiers[0] as Running
  let thaw: NodeJS.Timeout | undefined
  if (disturbance === 'frozen') {
    first.child.kill('SIGSTOP')
    thaw = setTimeout(() => first.child.kill('SIGCONT'), freezeMs(url))
  }
  if (disturbance === 'blackhole') proxy?.blackhole(true)
  await Promise.all(
    created.map(async ({ index, writeKey }, place) => {
      // Spread over a moment, so that they meet polls, loads and each other at every phase.
      await pause(Math.random() * 60)
      if (disturbance === 'listener-killed' && place === 7) await killListeners(url)
      const action = actionOf(place % 16)
      const calledAt = sharedNow()
      if (action === 'revoke') await manager.revoke(writeKey.id)
      else if (action === 'pause') await manager.pause(writeKey.id)
      else if (action === 'remove') await manager.remove(writeKey.id)
      else await manager.rotate(writeKey.id, { gracePeriodHours: 0 })
      const committedAt = (writes.get(writeKey.id) as { at: number }).at
      const change: Change = { action, calledAt, committedAt, returnedAt: sharedNow() }
      if (isResumed(place % 16)) {
        await pause(Math.random() * 60)
        const resumedFrom = sharedNow()
        await manager.resume(writeKey.id)
        change.resume = { calledAt: resumedFrom, returnedAt: sharedNow() }
      }
      changes.set(index, change)
    }),
  )
  clearTimeout(thaw)
  if (disturbance === 'frozen') first.child.kill('SIGCONT')
  await Promise.all(verifiers.map((verifier) => verifier.ask({ type: 'again' })))
  proxy?.blackhole(false)
}

function actionOf(sixteenth: number): Change['action'] {
  if (sixteenth === 0) return 'remove'
  if (sixteenth < 6) return 'revoke'
  return sixteenth < 11 ? 'pause' : 'rotate'
}

function isResumed(sixteenth: number): boolean {
  return sixteenth === 6 || sixteenth === 7
}

async function proxyTo(url: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(url)
  const usualPort = url.startsWith('mysql:') ? 3306 : 5432
  return startProxy(hostname, Number(port === '' ? usualPort : port))
}

function throughProxy(url: string, proxy: TcpProxy): string {
  const proxied = new URL(url)
  proxied.hostname = '127.0.0.1'
  proxied.port = String(proxy.port)
  return proxied.href
}

async function killListeners(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rowCount } = await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'writekey changes'`,
  )
  await client.end()
  expect(rowCount).toBeGreaterThan(0)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
