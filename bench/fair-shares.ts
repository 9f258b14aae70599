import { createMemoryStore, createWriteKeys, type IngestRequest } from '../src/index.ts'
import { sized } from './length.ts'
import { type Repeat, ratioOf, timeInTurn } from './measurement.ts'
import { assertSame, report } from './report.ts'
import { ruledKey, sampleRequest } from './sample.ts'

/** A million visitors in turn, with and without a share for each of them. */
export async function fairShares(): Promise<void> {
  const keys = createWriteKeys({ store: createMemoryStore() })
  const addresses = Array.from(
    { length: sized({ full: 1_000_000, short: 1_000_000, smoke: 1_000 }) },
    (_, index) => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
  )
  const anywhere = { ...ruledKey, allowedIps: null, deniedIps: null }
  const verifyingAll = async (senderRateLimitEps: number | null): Promise<Repeat> => {
    const { key } = await keys.create({ ...anywhere, senderRateLimitEps })
    const request: IngestRequest = { ...sampleRequest(key) }
    let next = 0
    const repeat: Repeat = async (count) => {
      for (let index = 0; index < count; index++) {
        // A step that no cache foresees.
        next = (next + 7_919) % addresses.length
        request.ip = addresses[next]
        await keys.verify(request)
      }
    }
    await repeat(addresses.length)
    const last = await keys.verify(request)
    assertSame('a sender among many is accepted', last.ok ? null : last.reason, null)
    return repeat
  }
  const subjects = { whole: await verifyingAll(null), shared: await verifyingAll(1_000) }
  const times = await timeInTurn(subjects, 31)
  report({
    name: `verify with a share for each of ${addresses.length.toLocaleString('en-US')} senders / without shares`,
    value: ratioOf(times.shared, times.whole),
    goal: { atMost: 1.05 },
  })
  await keys.close()
}
