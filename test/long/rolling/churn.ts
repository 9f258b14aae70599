import { setTimeout as sleep } from 'node:timers/promises'
import type { WriteKeys } from '../../../src/index.ts'
import type { Fleet } from './fleet.ts'
import { post } from './senders.ts'

export interface ChurnReport {
  created: number
  rotated: number
  paused: number
  revoked: number
  /** Changes that the store did not take, as it failed over. */
  failed: number
  /** Answers 200 to a secret after the call that ended or paused it had returned. */
  acceptedAfterwards: number
  /** Answers other than 200 and 503 to a secret that is good. */
  refused: Record<string, number>
}

/** Keys that are made, used, rotated, paused, resumed, revoked and removed; each change is tried on every process. */
export async function churn(manager: WriteKeys, fleet: Fleet, isOver: () => boolean): Promise<ChurnReport> {
  const report = {
    created: 0,
    rotated: 0,
    paused: 0,
    revoked: 0,
    failed: 0,
    acceptedAfterwards: 0,
    refused: {},
  }
  while (!isOver()) {
    try {
      await liveOnce(manager, fleet, report)
    } catch {
      report.failed++
    }
    await sleep(500)
  }
  return report
}

async function liveOnce(manager: WriteKeys, fleet: Fleet, report: ChurnReport): Promise<void> {
  const number = report.created++
  const { writeKey, key } = await manager.create({
    name: `Key ${number}`,
    sourceType: 'server',
    rateLimitEps: 1_000,
    allowedEventTypes: ['track'],
    deniedIps: [`192.0.2.${number % 256}`],
  })
  const { id } = writeKey
  await expectGood(key)
  const rotated = await manager.rotate(id, { gracePeriodHours: 0 })
  await expectBad(key)
  await expectGood(rotated.key)
  report.rotated++
  if (number % 2 === 0) {
    await manager.pause(id)
    await expectBad(rotated.key)
    await manager.resume(id)
    await expectGood(rotated.key)
    report.paused++
  }
  await manager.revoke(id)
  await expectBad(rotated.key)
  report.revoked++
  await manager.remove(id)

  function ask(secret: string) {
    const body = JSON.stringify({ type: 'track', event: 'churn' })
    return Promise.all(
      [...fleet.members].map((member) => post(member, { secret, body, from: '203.0.113.50' })),
    )
  }
  async function expectBad(secret: string) {
    report.acceptedAfterwards += (await ask(secret)).filter((answer) => answer === 200).length
  }
  async function expectGood(secret: string) {
    for (const answer of await ask(secret)) {
      if (![200, 503, 'no answer'].includes(answer))
        report.refused[answer] = (report.refused[answer] ?? 0) + 1
    }
  }
}
