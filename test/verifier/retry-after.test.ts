import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryLimiter } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { startTold } from './told-keys.ts'

type Told = ReturnType<typeof startTold>

/** @param unread whether the body is handed in as a function, so that an empty bucket refuses it unread */
async function send({ keys }: Pick<Told, 'keys'>, key: string, ip: string, events: number, unread = false) {
  const body = Array.from({ length: events }, () => ({ type: 'track' }))
  const headers = { authorization: basic(key) }
  const read = unread ? () => JSON.stringify(body) : body
  const verdict = await keys.verify({ method: 'POST', path: '/v1/batch', headers, ip, body: read })
  if (verdict.ok) return { reason: 'accepted', seconds: 0, headers: verdict.headers, detail: undefined }
  const { headers: told, body: problem } = verdict.reply
  return {
    reason: verdict.reason,
    seconds: Number(told['retry-after']),
    headers: told,
    detail: JSON.parse(String(problem)) as { retry_after: number },
  }
}

const [first, other] = ['203.0.113.1', '203.0.113.2']

describe('Retry-After, where a key has shares', () => {
  it('is right the first time for a sender whose share is above the rate', async () => {
    const told = startTold({ burstSeconds: 10 })
    const { key } = await told.make({ rateLimitEps: 5, senderRateLimitEps: 7 })
    expect(await send(told, key, first, 100)).toMatchObject({ reason: 'accepted' })
    expect(await send(told, key, first, 100)).toMatchObject({ reason: 'sender_rate_limited', seconds: 20 })
    told.wait(19_000)
    expect(await send(told, key, first, 100)).toMatchObject({ reason: 'rate_limited', seconds: 1 })
    told.wait(1_000)
    expect(await send(told, key, first, 100)).toMatchObject({ reason: 'accepted' })
  })

  it.each([[false], [true]])(
    "names the key's time to a sender that its share refuses, body unread: %s",
    async (unread) => {
      const told = startTold()
      const { key } = await told.make({ rateLimitEps: 100, senderRateLimitEps: 50 })
      await send(told, key, first, 100)
      told.wait(1_000)
      await send(told, key, other, 2_500)
      const refused = await send(told, key, first, 50, unread)
      expect(refused).toMatchObject({
        reason: 'sender_rate_limited',
        seconds: 25,
        detail: { retry_after: 25 },
        headers: {
          'ratelimit-policy': '"events";q=50;w=1',
          ratelimit: '"events";r=0;t=25',
          'x-ratelimit-limit': '50',
          'x-ratelimit-reset': '25',
        },
      })
      told.wait(25_000)
      expect(await send(told, key, first, 50, unread)).toMatchObject({ reason: 'accepted' })
    },
  )

  it("names the share's time to a sender that the key refuses", async () => {
    const told = startTold({ burstSeconds: 10 })
    const { key } = await told.make({ rateLimitEps: 100, senderRateLimitEps: 1 })
    await send(told, key, first, 9)
    await send(told, key, other, 991)
    // One event fits into the share, none into the key: what refuses an unread body refuses this one.
    expect(await send(told, key, first, 10)).toMatchObject({ reason: 'rate_limited', seconds: 9 })
    told.wait(9_000)
    expect(await send(told, key, first, 10)).toMatchObject({ reason: 'accepted' })
  })

  it('counts the whole request when one event would not fit', async () => {
    const told = startTold({ burstSeconds: 10 })
    const { key } = await told.make({ rateLimitEps: 5 })
    await send(told, key, first, 50)
    expect(await send(told, key, first, 30)).toMatchObject({ reason: 'rate_limited', seconds: 6 })
    expect(await send(told, key, first, 30, true)).toMatchObject({ reason: 'rate_limited', seconds: 1 })
  })

  it.each([
    ['cannot look', undefined],
    [
      'fails to',
      () => {
        throw new Error('gone')
      },
    ],
  ])('is that of the share where the limiter %s', async (_, peek) => {
    const { consume, refund, close } = createMemoryLimiter()
    const told = startTold({ limiter: { consume, refund, close, ...(peek && { peek }) } })
    const { key } = await told.make({ rateLimitEps: 100, senderRateLimitEps: 1 })
    await send(told, key, first, 3, !peek)
    expect(await send(told, key, first, 1, true)).toMatchObject({ reason: 'sender_rate_limited', seconds: 3 })
  })

  it('is the first second in which the request passes, whatever came before', async () => {
    const eps = fc.oneof(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 20, max: 9_999 }).map((n) => n / 1_000),
    )
    const request = fc.record({
      waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
      ip: fc.constantFrom(first, other, '203.0.113.3'),
      events: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 300 })),
      unread: fc.boolean(),
    })
    const share = fc.option(eps)
    const burstSeconds = fc.constantFrom(0.1, 0.7, 1, 2.5, 10, 60)
    let refusals = 0
    await fc.assert(
      fc.asyncProperty(
        eps,
        share,
        burstSeconds,
        fc.array(request, { minLength: 2, maxLength: 12 }),
        async (rate, senderRate, burst, requests) => {
          const told = startTold({ burstSeconds: burst })
          const { key } = await told.make({ rateLimitEps: rate, senderRateLimitEps: senderRate })
          for (const { waitMs, ip, events, unread } of requests) {
            told.wait(waitMs)
            // The cost of an unread body is known when it is the least.
            const again = () => send(told, key, ip, unread ? 1 : events, unread)
            const { reason, seconds } = await again()
            if (reason === 'accepted') continue
            refusals++
            if (seconds > 1) {
              told.wait((seconds - 1) * 1_000)
              expect((await again()).reason).not.toBe('accepted')
            }
            told.wait(seconds > 1 ? 1_000 : seconds * 1_000)
            expect((await again()).reason).toBe('accepted')
          }
          await told.keys.close()
        },
      ),
      { numRuns: 150 },
    )
    expect(refusals).toBeGreaterThan(100)
  })
})
