import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { createFakeClock, type FakeClock, hasFakeClock } from '../fake-clock.ts'
import { describeWithService } from '../services.ts'
import { usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { percentile, summarize } from './percentile.ts'
import { sharedNow } from './processes/messages.ts'
import { buildProgram, type Program, type Running } from './processes/spawn.ts'
import { type Change, check, readLog } from './verification-log.ts'

const leaseMs = 400
const groupSize = 20
const groups = length(6, 1)
const jumpMs = 500
const hourMs = 3_600_000

let program: Program
beforeAll(async () => {
  program = await buildProgram('verifier')
})
afterAll(() => program?.remove())

describeWithService('postgres', 'no handler starts after the call has returned, on PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)

  /** One process that manages, two that verify, and what befalls the first of these while keys are ended. */
  async function run(name: string, { clock, managersClock, befall }: Campaign): Promise<{ calls: number[] }> {
    const logs = mkdtempSync(join(tmpdir(), 'writekey-wrong-'))
    const logOf = (index: number) => join(logs, `${index}.log`)
    const { url } = database
    const manager = createWriteKeys({
      store: createSqlStore({ url, notifications: false }),
      cache: { leaseMs },
      ...(managersClock !== undefined && { clock: managersClock }),
    })
    const start = (index: number) =>
      program.start(
        { url, notifications: false, leaseMs, log: logOf(index), pauseMs: 10 },
        index === 0 ? clock?.env : {},
      )
    const changes = new Map<number, Change>()
    const verifiers: Running[] = []
    try {
      await manager.list()
      for (let index = 0; index < 2; index++) verifiers.push(await start(index))
      for (let group = 0; group < groups; group++) {
        const secrets = await makeKeys(manager, group)
        await Promise.all(verifiers.map((verifier) => verifier.ask({ type: 'verify', secrets })))
        const befalling = befall(verifiers[0] as Running, group)
        await Promise.all(
          secrets.map(async ({ index, id }) => {
            await pause(Math.random() * 2 * leaseMs)
            const calledAt = sharedNow()
            await manager.revoke(id)
            changes.set(index, { action: 'revoke', calledAt, returnedAt: sharedNow() })
          }),
        )
        await befalling
        await Promise.all(verifiers.map((verifier) => verifier.ask({ type: 'again' })))
      }
      for (const verifier of verifiers) await verifier.ask({ type: 'finish' })
      const history = verifiers.flatMap((_, index) => readLog(logOf(index)))
      const { violations, accepted } = check(history, changes)
      const calls = [...changes.values()].map(({ calledAt, returnedAt }) => returnedAt - calledAt)
      console.log(
        `${name}: ${changes.size} changes, ${history.length} verifications, ${accepted} accepted, ${violations.length} stale; call: ${summarize(calls)}`,
      )
      expect(violations).toEqual([])
      expect(accepted).toBeGreaterThanOrEqual(2 * changes.size)
      return { calls }
    } finally {
      for (const verifier of verifiers) await verifier.kill()
      await manager.close()
      rmSync(logs, { recursive: true, force: true })
    }
  }

  it.skipIf(!hasFakeClock && process.env.REQUIRE_SERVICES !== '1').each([
    ['two hours', 2 * hourMs],
    ['forty days', 40 * 24 * hourMs],
  ])('when the clock of a process is %s ahead for half a second', async (ahead, byMs) => {
    const clock = createFakeClock()
    try {
      const jumps: number[] = []
      await run(`a clock that is ${ahead} ahead`, {
        clock,
        async befall(verifier) {
          await pause(leaseMs / 2)
          clock.set(byMs / 1_000)
          await pause(jumpMs / 2)
          jumps.push((await verifier.ask<number>({ type: 'time' })) - Date.now())
          await pause(jumpMs / 2)
          clock.set(0)
        },
      })
      for (const jump of jumps) expect(jump / byMs).toBeCloseTo(1, 1)
    } finally {
      clock.remove()
    }
  })

  it.skipIf(!hasFakeClock && process.env.REQUIRE_SERVICES !== '1').each([
    ['behind', -1],
    ['ahead', 1],
  ])(
    'and counts are in the hours of the database when the clock of a process is 20 days %s, and jumps',
    async (_, sign) => {
      const wrongBySeconds = sign * 20 * 24 * 3_600
      const clock = createFakeClock(wrongBySeconds)
      const sender = await buildProgram('usage-sender')
      const { url } = database
      const manager = createWriteKeys({ store: createSqlStore({ url }) })
      const began = Date.now()
      try {
        const made = await makeKeys(manager, 0)
        const secrets = made.map(({ secret }) => secret)
        const running = await sender.start({ url }, clock.env)
        const sent = made.map(() => 0)
        for (const by of [wrongBySeconds, 0, -7_200, wrongBySeconds]) {
          clock.set(by)
          const accepted = await running.ask<number[]>({ type: 'send', secrets, requests: 400 })
          for (const [index, count] of accepted.entries()) sent[index] = (sent[index] as number) + count
        }
        const counted = () =>
          Promise.all(made.map(async ({ id }) => (await manager.usage(id, { window: '1h' })).acceptedTotal))
        await expect.poll(counted).toEqual(sent)
        for (const { id } of made) {
          const { lastEventAt } = await manager.usage(id)
          expect(lastEventAt?.getTime()).toBeGreaterThanOrEqual(began - 2_000)
          expect(lastEventAt?.getTime()).toBeLessThanOrEqual(Date.now() + 2_000)
        }
        await running.kill()
      } finally {
        await manager.close()
        sender.remove()
        clock.remove()
      }
    },
  )

  it('when a process is frozen: a call takes one lease, also an hour later', async () => {
    let laterMs = 0
    const { calls } = await run('frozen, and an hour later', {
      managersClock: () => Date.now() + laterMs,
      async befall({ child }, group) {
        laterMs = group * hourMs
        child.kill('SIGSTOP')
        await pause(4 * leaseMs)
        child.kill('SIGCONT')
      },
    })
    // Of which the machine may add something to each.
    expect(percentile(calls, 0.5)).toBeLessThan(2 * leaseMs)
  })

  it('when the only other process is killed: a call takes one lease', async () => {
    const { url } = database
    const manager = createWriteKeys({
      store: createSqlStore({ url, notifications: false }),
      cache: { leaseMs },
    })
    const calls: number[] = []
    try {
      for (let group = 0; group < groups; group++) {
        const logs = mkdtempSync(join(tmpdir(), 'writekey-killed-'))
        const verifier = await program.start({
          url,
          notifications: false,
          leaseMs,
          log: join(logs, 'log'),
          pauseMs: 10,
        })
        const secrets = await makeKeys(manager, group)
        await verifier.ask({ type: 'verify', secrets })
        const killed = pause(leaseMs).then(() => verifier.kill())
        await Promise.all(
          secrets.map(async ({ id }) => {
            await pause(Math.random() * 2 * leaseMs)
            const calledAt = performance.now()
            await manager.revoke(id)
            calls.push(performance.now() - calledAt)
          }),
        )
        await killed
        rmSync(logs, { recursive: true, force: true })
      }
      console.log(`killed: ${calls.length} changes; call: ${summarize(calls)}`)
      expect(percentile(calls, 0.5)).toBeLessThan(2 * leaseMs)
    } finally {
      await manager.close()
    }
  })
})

interface Campaign {
  /** Of the first verifier. */
  clock?: FakeClock
  managersClock?: () => number
  befall(verifier: Running, group: number): Promise<void>
}

function makeKeys(manager: WriteKeys, group: number) {
  return Promise.all(
    Array.from({ length: groupSize }, async (_, place) => {
      const { writeKey, key } = await manager.create({ name: `Key ${place}`, sourceType: 'server' })
      return { index: group * groupSize + place, id: writeKey.id, secret: key }
    }),
  )
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
