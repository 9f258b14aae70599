import { describe, expect, it, type TestContext, vi } from 'vitest'
import { describeWithService } from '../services.ts'
import { createInngest, sdks } from './published-sdks.ts'
import { startExpress, startServe, type Target } from './sdk-targets.ts'

const targets: [string, () => Promise<Target>][] = [
  ['Express', () => startExpress()],
  ['writekey serve', startServe],
]

const names = Array.from({ length: 9 }, (_, n) => `Event ${n}`)

async function start(create: () => Promise<Target>, { onTestFinished }: TestContext): Promise<Target> {
  const target = await create()
  onTestFinished(target.close)
  return target
}

/** All that has arrived, once it is as much as was sent. */
async function waitForAll(target: Target): Promise<string[]> {
  await vi.waitFor(() => expect(target.arrived.flat().length).toBeGreaterThanOrEqual(9), { timeout: 15_000 })
  await vi.waitFor(() => expect(target.statuses).toEqual(expect.arrayContaining([429, 503])))
  return target.arrived.flat()
}

// All at once: they only wait.
describe.concurrent.each(targets)('sending to %s, with a 429 and a 503 in between', (_, create) => {
  it.for(sdks)('%s delivers every event once, each batch in order', async ([, createSdk], context) => {
    const target = await start(create, context)
    const sdk = createSdk(target.key, target.url)
    for (const name of names) sdk.track(name)
    await sdk.flush()
    expect((await waitForAll(target)).toSorted()).toEqual(names)
    for (const batch of target.arrived) expect(batch).toEqual(batch.toSorted())
    expect(target.statuses.toSorted().slice(-2)).toEqual([429, 503])
  })
})

describeWithService('inngest', 'the SDK of Inngest', (folder) => {
  describe.concurrent.each(targets)('sending to %s, with a 429 and a 503 in between', (_, create) => {
    it('delivers every event once, those of one call in order, and is told their ids', async (context) => {
      const target = await start(create, context)
      const client = createInngest(folder, target.key, target.url)
      const sent = [names.slice(0, 3), names.slice(3, 6), names.slice(6)]
      const told = await Promise.all(
        sent.map((some) => client.send(some.map((name) => ({ name, id: `id of ${name}`, data: {} })))),
      )
      expect(told.map(({ ids }) => ids)).toEqual(sent.map((some) => some.map((name) => `id of ${name}`)))
      expect((await waitForAll(target)).toSorted()).toEqual(names)
      for (const batch of target.arrived) expect(batch).toEqual(batch.toSorted())
      expect(target.statuses.toSorted().slice(-2)).toEqual([429, 503])
    })
  })
})
