import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { createOwnRedis } from '../redis/own-redis.ts'
import { describeWithServers } from '../stores/sql/servers/describe.ts'
import { length } from './length.ts'
import type { Holdings } from './processes/rolling-server.ts'
import { buildProgram, type Program } from './processes/spawn.ts'
import { churn } from './rolling/churn.ts'
import { startDatabases } from './rolling/databases.ts'
import { growth, type Sample, slopeOf } from './rolling/flatness.ts'
import { createFleet, type Fleet, type Member } from './rolling/fleet.ts'
import { checkOutOlder } from './rolling/older-sources.ts'
import { createSending, flood, type Sender, sendAll, type Tally } from './rolling/senders.ts'

const durationMs = length(30 * 60_000, 40_000)
const timeoutMs = 2 * 3_600_000
const sampleEveryMs = length(10_000, 2_000)
const printedEvery = length(12, 4)
const restMs = length(10_000, 500)
const floodMs = length(15_000, 3_000)
/** Smallest slope that is a leak; a short run is mostly noise, and its caches still fill. */
const mostBytesPerMinute = length(1_000_000, 50_000_000)

let newer: Program
let older: Program
let olderCommit: string | undefined
beforeAll(async () => {
  newer = await buildProgram('rolling-server')
  const sources = checkOutOlder()
  olderCommit = sources?.commit
  older = sources === undefined ? newer : await buildProgram('rolling-server', sources.folder)
  sources?.remove()
})
afterAll(() => {
  newer?.remove()
  older?.remove()
})

describeWithServers('postgres', 'a fleet through rolling deploys of two versions', () => {
  it(
    'loses and doubles no event, and holds no more at its end than at its start',
    async () => {
      const [database, redis] = await Promise.all([startDatabases(), createOwnRedis()])
      await redis.start()
      const logs = mkdtempSync(join(tmpdir(), 'writekey-rolling-'))
      const fleet = createFleet({ url: database.url, redisPort: redis.port }, logs)
      const manager = createWriteKeys({ store: createSqlStore({ url: database.url }), logger: false })
      onTestFinished(async () => {
        await fleet.kill()
        await manager.close()
        await Promise.all([database.close(), redis.kill()])
        rmSync(logs, { recursive: true, force: true })
      })
      // The older version makes the tables; the newer one finds them.
      const rolling = [await fleet.start(older)]
      const steady = await fleet.start(newer)
      rolling.push(await fleet.start(older))

      const endsAt = performance.now() + durationMs
      const isOver = () => performance.now() > endsAt
      const kept = await Promise.all(
        ['one', 'two', 'slow'].map((name) =>
          manager.create({ name, sourceType: 'server', rateLimitEps: 100_000 }),
        ),
      )
      const sending = createSending()
      const senders = kept.flatMap(({ key }, at): Sender[] =>
        Array.from({ length: 3 }, (_, one) => ({
          name: `${at}-${one}`,
          secret: key,
          from: `203.0.113.${10 * at + one}`,
          pauseMs: 50,
          ...(at === 2 && { pieces: 4 }),
          isOver,
        })),
      )
      const work = Promise.all(senders.map((sender) => sendAll(fleet, sender, sending)))
      const changing = churn(manager, fleet, isOver)
      const sampling = sample(steady, isOver)
      const done = await disturb(fleet, rolling, database, redis, isOver)
      await work
      const [changes, samples] = await Promise.all([changing, sampling])
      for (const member of [...fleet.members]) expect(await fleet.end(member)).toBe(0)

      const handled = fleet.handled()
      const names = kept.flatMap(({ writeKey }) => handled.get(writeKey.id) ?? [])
      const usages = await Promise.all(kept.map(({ writeKey }) => manager.usage(writeKey.id)))
      const counted = usages.reduce((sum, { acceptedTotal }) => sum + acceptedTotal, 0)
      const slope = slopeOf(samples, 'heap')
      console.log(
        JSON.stringify({
          olderCommit,
          sent: sending.names.length,
          handled: names.length,
          counted,
          unanswered: sending.unanswered,
          answers: sending.answers,
          ...done,
          changes,
          heapPerMinute: Math.round(slope),
          first: samples[0],
          last: samples.at(-1),
          descriptors: growth(samples, 'descriptors'),
          timers: growth(samples, 'timers'),
        }),
      )
      expect(new Set(names)).toEqual(new Set(sending.names))
      // What was handled without an answer was sent again.
      expect(names.length - sending.names.length).toBeLessThanOrEqual(10 * sending.unanswered)
      expect(counted).toBe(names.length)
      const unwanted = (tally: Tally, right: string[]) =>
        Object.keys(tally).filter((answer) => ![...right, '503', 'no answer'].includes(answer))
      expect(unwanted(sending.answers, ['200'])).toEqual([])
      expect(unwanted(done.wrong, ['401', '429'])).toEqual([])
      expect(changes).toMatchObject({ acceptedAfterwards: 0, refused: {} })
      expect(changes.revoked).toBeGreaterThan(0)
      expect(slope).toBeLessThan(mostBytesPerMinute)
      for (const field of ['descriptors', 'timers'] as const) {
        const [before, after] = growth(samples, field)
        expect(after, field).toBeLessThanOrEqual(before + 5)
      }
    },
    timeoutMs,
  )
})

/** Deploys, failovers, restarts of Redis and floods, one after another, until it is over. */
async function disturb(
  fleet: Fleet,
  rolling: Member[],
  database: { failOver(outageMs: number): Promise<void> },
  redis: { kill(): Promise<void>; start(): Promise<void> },
  isOver: () => boolean,
) {
  const done = { deploys: 0, failovers: 0, redisRestarts: 0, floods: 0, wrong: {} as Tally }
  const programs = [newer, older]
  const deploy = async () => {
    const program = programs[done.deploys % 2] as Program
    for (const [index, before] of [...rolling].entries()) {
      rolling[index] = await fleet.start(program)
      expect(await fleet.end(before)).toBe(0)
    }
    done.deploys++
  }
  const steps = [
    deploy,
    async () => {
      const answers = await flood(fleet, floodMs, 60)
      for (const [answer, count] of Object.entries(answers))
        done.wrong[answer] = (done.wrong[answer] ?? 0) + count
      done.floods++
    },
    deploy,
    async () => {
      await redis.kill()
      await sleep(1_000)
      await redis.start()
      done.redisRestarts++
    },
    deploy,
    async () => {
      await database.failOver(500)
      done.failovers++
      // Until connections are there again, and what was held back is stored.
      await sleep(5_000)
    },
  ]
  for (let step = 0; !isOver(); step++) {
    await steps[step % steps.length]?.()
    await sleep(restMs)
  }
  return done
}

async function sample(member: Member, isOver: () => boolean): Promise<Sample[]> {
  const samples: Sample[] = []
  const startedAt = performance.now()
  while (!isOver()) {
    await sleep(sampleEveryMs)
    const holdings = await member.worker.ask<Holdings>({ type: 'holdings' })
    const minutes = (performance.now() - startedAt) / 60_000
    samples.push({ minutes, ...holdings })
    if (samples.length % printedEvery === 0) console.log(`${minutes.toFixed(1)} min`, holdings)
  }
  return samples
}
