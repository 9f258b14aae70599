import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { usePostgresDatabase } from '../stores/sql/databases.ts'
import { type Fault, faultsOf, pairsOf, shuffled } from './fault-fleet/faults.ts'
import { type FaultFleet, startFaultFleet } from './fault-fleet/fleet.ts'
import { auditedNames, changeNames, readHandled, sendAll } from './fault-fleet/work.ts'
import { length } from './length.ts'
import { buildProgram, type Program } from './processes/spawn.ts'

const durationMs = length(600_000, 40_000)
/** In full, a round of all faults is brought to its end. */
const strikesAll = length(true, false)
const sendersPerWorker = 3

let program: Program
beforeAll(async () => {
  program = await buildProgram('fault-worker')
})
afterAll(() => program?.remove())

const rows: [string, (faults: Fault[]) => Fault[][]][] = [
  ['one at a time', (faults) => faults.map((fault) => [fault])],
  ['two of different parts at a time', pairsOf],
]

describeWithService('postgres', 'a fleet through random faults', (address) => {
  const database = usePostgresDatabase(address)

  it.each(rows)(
    '%s, handles and counts every event, once, answers 200 or 503, and audits every change',
    async (_, groups) => {
      const fleet = await startFaultFleet(program, database.url)
      const { manager, places, frozen } = fleet
      let isStruck = false
      const isOver = () => isStruck
      const statuses: Record<string, number> = {}
      const acknowledged = new Map(places.map(({ keyId }) => [keyId, new Set<string>()]))
      const sending = places.flatMap((place, at) =>
        Array.from({ length: sendersPerWorker }, (_, sender) =>
          sendAll(place, `${at}-${sender}`, isOver, statuses, acknowledged.get(place.keyId) as Set<string>),
        ),
      )
      const changing = changeNames(manager, frozen.keyId, isOver)
      const struck = await strikeAll(groups(faultsOf(fleet))).finally(() => {
        isStruck = true
      })
      await Promise.all(sending)
      const changed = await changing
      for (const { worker } of places) {
        const gone = once(worker.child, 'exit')
        worker.child.kill('SIGTERM')
        await gone
      }
      const { events, lost } = await reconcile(fleet, acknowledged)
      const audited = await auditedNames(manager, frozen.keyId)
      for (const name of changed) expect(audited.filter((other) => other === name)).toEqual([name])
      const ends = places.flatMap(({ unsure }) => unsure).length
      console.log(
        `${struck.length} times, ${new Set(struck).size} different (${[...new Set(struck)].join(', ')}): ${events} events, answers ${JSON.stringify(statuses)}; ` +
          `${changed.length} changes, each audited once; ${lost} events not counted, of ${ends} processes that were killed, or ended without a database`,
      )
      expect(Object.keys(statuses).filter((status) => !['200', '503', 'no answer'].includes(status))).toEqual(
        [],
      )
      expect(statuses[200]).toBeGreaterThan(100)
      expect(changed.length).toBeGreaterThan(0)
    },
  )
})

/** Strikes with one group of faults after another, in any order, until the time is over. */
async function strikeAll(groups: Fault[][]): Promise<string[]> {
  const struck: string[] = []
  const endsAt = performance.now() + durationMs
  const isOver = () => performance.now() > endsAt
  while (!isOver()) {
    for (const group of shuffled(groups)) {
      if (isOver() && !strikesAll) break
      struck.push(group.map(({ name }) => name).join(' + '))
      // The second one meets the first in any of its moments.
      await Promise.all(
        shuffled(group).map(({ strike }, at) => sleep(at * Math.random() * 2_000).then(strike)),
      )
    }
  }
  return struck
}

/** What was acknowledged was handled; what was handled is counted, but for what a process could not store at its end. */
async function reconcile(
  { places, manager }: FaultFleet,
  acknowledged: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<{ events: number; lost: number }> {
  let [events, lost] = [0, 0]
  for (const place of places) {
    const handled = readHandled(place.log).filter(({ keyId }) => keyId === place.keyId)
    const names = handled.flatMap(({ events }) => events)
    const told = new Set(names)
    expect([...(acknowledged.get(place.keyId) ?? [])].filter((name) => !told.has(name))).toEqual([])
    const counted = (await manager.usage(place.keyId)).acceptedTotal
    const unsure = handled.filter(({ at }) =>
      place.unsure.some(({ since, until }) => at > since && at <= until),
    ).length
    events += names.length
    lost += names.length - counted
    expect(counted).toBeLessThanOrEqual(names.length)
    expect(counted).toBeGreaterThanOrEqual(names.length - unsure)
  }
  return { events, lost }
}
