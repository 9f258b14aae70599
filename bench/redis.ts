import { runFleet } from './redis-fleet.ts'
import { runSender } from './redis-sender.ts'

const url = process.env.WRITEKEY_TEST_REDIS ?? 'redis://127.0.0.1:6379'
if (process.argv[2] === 'sender') await runSender(JSON.parse(process.argv[3] as string))
else await main()

async function main(): Promise<void> {
  const seconds = Number(process.env.SECONDS_EACH ?? 8)
  for (const mode of ['leased', 'strict'] as const) {
    for (const processes of [4, 16]) {
      for (const [eps, cost] of [
        [1000, 1],
        [10, 1],
        [1000, 100],
      ] as const) {
        if (process.env.ONLY && !process.env.ONLY.split(',').includes(`${mode}-${processes}-${eps}-${cost}`))
          continue
        const r = await runFleet(import.meta.filename, {
          url,
          mode,
          rate: { eps, burst: eps },
          offeredEps: Array(processes).fill((eps * 3) / processes),
          cost,
          seconds,
        })
        console.log(
          mode,
          processes,
          eps,
          cost,
          'admitted',
          r.admitted,
          'of',
          Math.round(r.limit),
          ((100 * r.admitted) / r.limit).toFixed(1),
          '%',
          'cmds/1000',
          ((1000 * r.commands) / r.admittedRequests).toFixed(1),
          'longest',
          r.longestMs.toFixed(0),
          'deg',
          r.degraded,
          'err',
          r.errors,
          'spread',
          Math.min(...r.byProcess),
          Math.max(...r.byProcess),
          'secs',
          r.seconds.toFixed(2),
        )
      }
    }
  }
  const even = await runFleet(import.meta.filename, {
    url,
    mode: 'leased',
    rate: { eps: 1000, burst: 1000 },
    offeredEps: [2850, ...Array(15).fill(10)],
    cost: 1,
    seconds,
  })
  console.log(
    'uneven',
    even.admitted,
    Math.round(even.limit),
    ((100 * even.admitted) / even.limit).toFixed(1),
    ((1000 * even.commands) / even.admittedRequests).toFixed(1),
    even.byProcess.join(' '),
  )
}
