import { type FleetReport, type FleetTask, runFleet } from './redis-fleet.ts'
import { runSender } from './redis-sender.ts'
import { report } from './report.ts'

const url = process.env.WRITEKEY_TEST_REDIS ?? 'redis://127.0.0.1:6379'
const seconds = process.env.LONG === 'short' ? 5 : 20

const [role, task] = process.argv.slice(2)
if (role === 'sender') await runSender(JSON.parse(task as string))
else await measure()

async function measure(): Promise<void> {
  for (const mode of ['leased', 'strict'] as const) {
    for (const processes of [4, 16]) {
      for (const [eps, cost] of [
        [1_000, 1],
        [10, 1],
        [1_000, 100],
      ] as const) {
        await overload({ mode, eps, cost, shares: Array(processes).fill(1 / processes), least: 0.95 })
      }
    }
  }
  await overload({
    mode: 'leased',
    eps: 1_000,
    cost: 1,
    shares: [0.95, ...Array(15).fill(0.05 / 15)],
    least: 0.93,
  })
}

/** Three times the rate, offered by a fleet. */
async function overload(of: {
  mode: FleetTask['mode']
  eps: number
  cost: number
  shares: number[]
  least: number
}): Promise<void> {
  const { mode, eps, cost, shares, least } = of
  const offeredEps = shares.map((share) => 3 * eps * share)
  const fleet = await runFleet(import.meta.filename, {
    url,
    mode,
    rate: { eps, burst: eps },
    offeredEps,
    cost,
    seconds,
  })
  const uneven = new Set(shares).size > 1 ? ', one with 95 % of the traffic' : ''
  const name = `${mode}, ${shares.length} processes, ${eps} eps${cost > 1 ? ` in batches of ${cost}` : ''}${uneven}`
  report({
    name: `${name}: admitted / burst + eps × time`,
    value: fleet.admitted / fleet.limit,
    goal: { atLeast: least, atMost: Number((1 + fleet.excess / fleet.limit).toFixed(3)) },
    note: noteOf(fleet),
  })
  if (mode === 'leased' && eps === 1_000 && cost === 1 && uneven === '') {
    report({
      name: `${name}: commands per 1 000 admitted`,
      value: (1_000 * fleet.commands) / fleet.admittedRequests,
      unit: 'commands',
      goal: { atMost: 20 },
    })
  }
}

function noteOf(fleet: FleetReport): string {
  const perThousand = (1_000 * fleet.commands) / fleet.admittedRequests
  return `${fleet.admitted} of ${Math.round(fleet.limit)}; ${perThousand.toFixed(1)} commands per 1 000 requests; ${fleet.degraded} outages seen`
}
