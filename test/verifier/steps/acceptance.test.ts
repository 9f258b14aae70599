import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type IngestRequest, type WriteKeysOptions } from '../../../src/index.ts'
import { exposedHeaders } from '../../../src/verifier/cors.ts'
import { type Settlement, withSettlement } from '../../../src/verifier/settlement.ts'
import { createManualClock } from '../../contract/limiter-contract.ts'
import { post, web } from '../../manual-keys.ts'

const origin = 'https://app.example.com'

async function start(fields: object = {}, options: WriteKeysOptions = {}) {
  const clock = createManualClock()
  const keys = createWriteKeys({ logger: false, clock, ...options })
  onTestFinished(() => keys.close())
  const { key, writeKey } = await keys.create({ ...web, ...fields })
  const request = (headers: Record<string, string> = {}): IngestRequest => {
    const made = post(key, { event: 'a' })
    return { ...made, headers: { ...made.headers, ...headers } }
  }
  const headersOf = async (headers: Record<string, string> = {}) => {
    const verdict = await keys.verify(request(headers))
    return verdict.ok ? verdict.headers : verdict.reason
  }
  return { keys, clock, key, id: writeKey.id, request, headersOf }
}

describe('the headers of an accepted request', () => {
  it('let any page read the answer, or the one that the key names', async () => {
    const usual = { vary: 'Origin', 'access-control-expose-headers': exposedHeaders }
    const any = await start()
    expect(await any.headersOf()).toEqual({ ...usual, 'access-control-allow-origin': '*' })
    const named = await start({ allowedOrigins: [origin] })
    expect(await named.headersOf({ origin })).toEqual({ ...usual, 'access-control-allow-origin': origin })
    expect(await named.headersOf()).toEqual(usual)
  })

  it('tell of rates where there are any', async () => {
    const { headersOf } = await start({ rateLimitEps: 5 })
    expect(await headersOf()).toMatchObject({ 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '4' })
  })

  it('tell an earlier secret that it ends', async () => {
    const { keys, id, clock, headersOf } = await start()
    expect(await headersOf()).not.toHaveProperty('sunset')
    await keys.rotate(id, { gracePeriodHours: 1 })
    expect(await headersOf()).toMatchObject({
      deprecation: `@${Math.floor(clock.now() / 1_000)}`,
      sunset: new Date(clock.now() + 3_600_000).toUTCString(),
    })
  })
})

describe('an accepted request whose end is left open', () => {
  async function accept() {
    const at = await start()
    const settlements: Settlement[] = []
    const request = withSettlement(at.request(), 'endpoint', (one) => settlements.push(one))
    expect((await at.keys.verify(request)).ok).toBe(true)
    const accepted = async () => (await at.keys.usage(at.id)).acceptedTotal
    return { ...at, settlement: settlements[0] as Settlement, accepted }
  }

  it('is counted when it is accepted, and once', async () => {
    const { settlement, accepted } = await accept()
    expect(await accepted()).toBe(0)
    settlement.accept()
    settlement.accept()
    expect(await accepted()).toBe(1)
  })

  it('may be judged again after a wait', async () => {
    const { keys, id, settlement, accepted } = await accept()
    expect(await settlement.judgeAgain()).toBeUndefined()
    await keys.revoke(id)
    expect(await settlement.judgeAgain()).toMatchObject({ ok: false, reason: 'revoked_key' })
    settlement.accept()
    expect(await accepted()).toBe(0)
  })
})
