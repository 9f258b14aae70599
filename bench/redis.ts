import { measureInTurn, reportThroughput, withSubjects } from './http-subjects.ts'
import { sized } from './length.ts'
import { type FleetReport, type FleetTask, runFleet } from './redis-fleet.ts'
import { runSender } from './redis-sender.ts'
import { type Goal, report } from './report.ts'

const url = process.env.WRITEKEY_TEST_REDIS ?? 'redis://127.0.0.1:6379'

const seconds = sized({ full: 20, short: 5, smoke: 0.5 })
/** What processes hold when the time is up, and what they ask at the beginning, counts too much in a few seconds. */
const least = sized({ full: 0.95, short: 0.9, smoke: 0 })
const commandsGoal = sized<{ goal?: Goal }>({ full: { goal: { atMost: 20 } }, short: {}, smoke: {} })

/** Three times a key's rate, offered by a fleet. */
interface Overload {
  mode: FleetTask['mode']
  eps: number
  cost: number
  /** Of the traffic, one per process. */
  shares: readonly number[]
}

const [role, task] = process.argv.slice(2)
if (role === 'sender') await runSender(JSON.parse(task as string))
else {
  for (const fleet of fleets()) await overload(fleet)
  await http()
}

function fleets(): Overload[] {
  const even = (processes: number) => Array(processes).fill(1 / processes)
  const uneven = {
    mode: 'leased',
    eps: 1_000,
    cost: 1,
    shares: [0.95, ...Array(15).fill(0.05 / 15)],
  } as const
  const telling = [
    { mode: 'leased', eps: 1_000, cost: 1, shares: even(16) },
    { mode: 'strict', eps: 1_000, cost: 1, shares: even(4) },
  ] as const
  const every = (['leased', 'strict'] as const).flatMap((mode) =>
    [4, 16].flatMap((processes) => [
      { mode, eps: 1_000, cost: 1, shares: even(processes) },
      { mode, eps: 10, cost: 1, shares: even(processes) },
      { mode, eps: 1_000, cost: 100, shares: even(processes) },
    ]),
  )
  return sized<Overload[]>({ full: [...every, uneven], short: [...telling, uneven], smoke: [uneven] })
}

async function http(): Promise<void> {
  const names = ['express-writekey', 'express-writekey-redis', 'express-guarded-redis', 'express-stack-redis']
  await withSubjects('http-server', names, async (subjects) => {
    const series = await measureInTurn(subjects)
    const row = (name: string, peer: string, goal?: Goal) =>
      reportThroughput(`Express: ${name}`, series, 'express-writekey-redis', peer, goal)
    row('leased limiter / limiter in memory', 'express-writekey', { atLeast: 0.95 })
    reportThroughput(
      'Express: guardListener, leased limiter / cors + basic-auth + express-rate-limit with rate-limit-redis + json',
      series,
      'express-guarded-redis',
      'express-stack-redis',
      { atLeast: 1.5 },
    )
    row(
      'leased limiter / cors + basic-auth + express-rate-limit with rate-limit-redis + json',
      'express-stack-redis',
    )
  })
}

async function overload({ mode, eps, cost, shares }: Overload): Promise<void> {
  const offeredEps = shares.map((share) => 3 * eps * share)
  const fleet = await runFleet(import.meta.filename, {
    url,
    mode,
    rate: { eps, burst: eps },
    offeredEps,
    cost,
    seconds,
  })
  const isUneven = new Set(shares).size > 1
  const name = `${mode}, ${shares.length} processes, ${eps} eps${cost > 1 ? ` in batches of ${cost}` : ''}${isUneven ? ', one with 95 % of the traffic' : ''}`
  report({
    name: `${name}: admitted / burst + eps × time`,
    value: fleet.admitted / fleet.limit,
    goal: {
      atLeast: isUneven ? least - 0.02 : least,
      atMost: Number((1 + fleet.excess / fleet.limit).toFixed(3)),
    },
    note: noteOf(fleet),
  })
  if (mode === 'leased' && eps === 1_000 && cost === 1) {
    report({
      name: `${name}: commands per 1 000 admitted`,
      value: (1_000 * fleet.commands) / fleet.admittedRequests,
      unit: 'commands',
      ...commandsGoal,
    })
  }
}

function noteOf(fleet: FleetReport): string {
  const perThousand = (1_000 * fleet.commands) / fleet.admittedRequests
  return `${fleet.admitted} of ${Math.round(fleet.limit)}; ${perThousand.toFixed(1)} commands per 1 000 requests; ${fleet.degraded} outages seen`
}
