import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import {
  type Refusal,
  type RefusedSdk,
  refusals,
  refusedSdks,
  startRefusing,
} from '../senders/refused-sdks.ts'
import { length } from './length.ts'

/** A short run sees only whether events come again at all. */
const watchedMs = length(75_000, 8_000)
/** What takes longer than is watched is seen to go on, and not counted. */
const mostCounted = length(12, 1)

const outcome = (name: string, status: Refusal, tries: number) =>
  `${name} ${status} ${tries <= mostCounted ? tries : 'again'}`

async function watch({ name, create }: RefusedSdk, status: Refusal): Promise<string> {
  const target = await startRefusing(status)
  const sdk = create(target.key, target.url)
  sdk.track('Event')
  sdk.flush().catch(() => {})
  await sleep(watchedMs)
  await target.close()
  expect([...target.statuses]).toEqual([status])
  return outcome(name, status, target.times().length)
}

it('SDKs do what docs/senders.md says when they are refused', async () => {
  const runs = refusedSdks.flatMap((sdk) =>
    refusals.map((status) => ({ sdk, status, said: sdk.tries[status] ?? 1 })),
  )
  const seen = await Promise.all(runs.map(({ sdk, status }) => watch(sdk, status)))
  // Eleven tries with growing pauses take longer than a run.
  expect(seen.map((one) => one.replace(/(analytics-node 3\.1 503) \d+$/, '$1 again'))).toEqual(
    runs.map(({ sdk: { name }, status, said }) =>
      outcome(name, status, said).replace(/(analytics-node 3\.1 503) \d+$/, '$1 again'),
    ),
  )
})
