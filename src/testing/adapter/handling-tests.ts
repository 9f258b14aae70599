import { setImmediate as nextTurn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Refused, WriteKeyEvent } from '../../index.ts'
import { createIngestApi } from '../../ingest/index.ts'
import { generateSecret } from '../../keys/secret.ts'
import { createManualClock } from '../manual-clock.ts'
import type { AdapterServer } from './adapter-harness.ts'
import { type AdapterSuite, frozenAt } from './adapter-suite.ts'
import { signedUp } from './golden/answers.ts'
import { basic } from './golden/golden-request.ts'
import { bringIntoState } from './key-states.ts'
import { type RawAnswer, sendRaw, toWire } from './raw-http.ts'

/**
 * The part of the adapter contract about what handlers and hooks receive, once, however the guard is mounted.
 */
export function handlingTests({ test, expect, launch, launchWithKey, track, trackBody }: AdapterSuite): void {
  test('hands the body on as the event, too, less the write key', async () => {
    const { url, key, handled } = await launchWithKey()
    await sendRaw(url, track(key, [], JSON.stringify({ ...signedUp, writeKey: key })))
    expect(handled()).toMatchObject([{ body: signedUp, events: [signedUp] }])
  })

  test('charges and reports once when mounted twice', async () => {
    const events: WriteKeyEvent[] = []
    const options = {
      clock: createManualClock(frozenAt),
      onEvent: (event: WriteKeyEvent) => events.push(event),
    }
    const { url, key, handled } = await launchWithKey({ mountedTwice: true, options }, 5)
    const answer = await sendRaw(url, track(key))
    expect(answer.status).toBe(200)
    expect(answer.headers['x-ratelimit-remaining']).toBe('4')
    expect(handled()).toMatchObject([{ events: [signedUp] }])
    await settled(() => events.length > 0)
    expect(events).toMatchObject([{ type: 'accepted', events: 1 }])
  })

  test('counts and charges as refused only what the second of two guards refuses', async () => {
    const told: string[] = []
    const asked = { isTold: false, times: 0 }
    const { url, keys, handled } = await launch({
      mountedTwice: true,
      options: {
        clock: createManualClock(frozenAt),
        plans: { small: { monthlyEvents: 2 } },
        defaultPlan: 'small',
        onEvent: ({ type }) => void told.push(type),
      },
      adapter: { workspace: () => (asked.isTold && ++asked.times > 1 ? 'other' : 'acme') },
    })
    const { key, writeKey } = await keys.create({
      name: 'Web App',
      sourceType: 'web',
      rateLimitEps: 5,
      workspace: 'acme',
    })
    expect((await sendRaw(url, track(key))).status).toBe(200)
    asked.isTold = true
    expect((await sendRaw(url, track(key))).status).toBe(401)
    asked.isTold = false
    const last = await sendRaw(url, track(key))
    expect([last.status, last.headers['x-ratelimit-remaining']]).toEqual([200, '3'])
    expect(handled().length).toBe(2)
    await settled(() => told.length >= 3)
    expect([...told].sort()).toEqual(['accepted', 'accepted', 'refused'])
    await keys.flush()
    const { acceptedTotal, refused } = await keys.usage(writeKey.id)
    expect([acceptedTotal, { ...refused }]).toEqual([2, { wrong_workspace: 1 }])
  })

  for (const mountedTwice of [false, true])
    test(`counts a request after its handler where endpoints may count it${mountedTwice ? ', mounted twice, too' : ''}`, async () => {
      const atHandler: (number | undefined)[] = []
      let server: AdapterServer | undefined
      const onEvent = ({ type }: WriteKeyEvent) => {
        if (type === 'accepted') atHandler.push(server?.handled().length)
      }
      const launched = await launchWithKey({ options: { onEvent }, mountedTwice })
      server = launched
      expect((await sendRaw(launched.url, track(launched.key))).status).toBe(200)
      // From here on the guard cannot know who decides.
      createIngestApi(launched.keys, { onEvents() {} })
      expect((await sendRaw(launched.url, track(launched.key))).status).toBe(200)
      await settled(() => atHandler.length === 2)
      expect(atHandler[1]).toBe(2)
    })

  test('reads a compressed body once when mounted twice', async () => {
    const { url, key, handled } = await launchWithKey({ mountedTwice: true })
    const answer = await sendRaw(url, track(key, ['Content-Encoding: gzip'], gzipSync(trackBody)))
    expect(answer.status).toBe(200)
    expect(handled()).toMatchObject([{ events: [signedUp] }])
  })

  test('refuses once when mounted twice', async () => {
    const events: WriteKeyEvent[] = []
    const options = { onEvent: (event: WriteKeyEvent) => events.push(event) }
    const { url, handled } = await launchWithKey({ mountedTwice: true, options })
    const answer = await sendRaw(url, track(generateSecret('sk_live_')))
    expect(answer.status).toBe(401)
    expect(handled()).toEqual([])
    expect(events).toMatchObject([{ type: 'refused', reason: 'unknown_key' }])
  })

  test('leaves the answer to a failing handler readable for browsers', async () => {
    const { url, key, handled } = await launchWithKey({ handlerThrows: true }, 5)
    const { status, headers } = await sendRaw(url, track(key, ['Origin: https://app.example.com']))
    expect(status).toBe(500)
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers['access-control-expose-headers']).toContain('Retry-After')
    expect(headers.vary?.toLowerCase().split(/, */)).toContain('origin')
    expect(headers['x-ratelimit-remaining']).toBe('4')
    expect(handled().length).toBe(1)
    // It is charged anyway: the sender will send it again, within its rate.
    expect((await sendRaw(url, track(key))).headers['x-ratelimit-limit']).toBe('5')
  })

  test('says the type of a route that its path does not say', async () => {
    const { url, keys, handled } = await launch({ adapter: { eventType: 'page' } })
    const { key } = await keys.create({ name: 'Pages', sourceType: 'web', allowedEventTypes: ['page'] })
    const post = (body: unknown) =>
      sendRaw(
        url,
        toWire(
          'POST /v1/hook HTTP/1.1',
          [
            'Host: localhost',
            `Authorization: ${basic(key)}`,
            `Content-Length: ${Buffer.byteLength(JSON.stringify(body))}`,
          ],
          JSON.stringify(body),
        ),
      )
    expect((await post({ name: 'Home' })).status).toBe(200)
    expect((await post({ name: 'Home', type: 'page' })).status).toBe(200)
    const mismatch = await post({ type: 'track' })
    expect(mismatch.status).toBe(400)
    expect(JSON.parse(mismatch.body).code).toBe('event_type_mismatch')
    expect(handled().length).toBe(2)
  })

  test('puts what it found under the name it was given', async () => {
    const { url, key, handled } = await launchWithKey({ adapter: { requestProperty: 'sender' } })
    expect((await sendRaw(url, track(key))).status).toBe(200)
    expect(handled()).toMatchObject([{ events: [signedUp] }])
  })

  test('tells onRefused why, and answers as usual', async () => {
    const told: Refused[] = []
    const { url, handled } = await launchWithKey({
      adapter: { onRefused: (refused) => told.push(refused) },
    })
    const answer = await sendRaw(url, track(generateSecret('sk_live_')))
    expect(answer.status).toBe(401)
    expect(told.map((refused) => refused.reason)).toEqual(['unknown_key'])
    expect(handled()).toEqual([])
  })

  for (const [what, onRefused] of [
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ] as const)
    test(`answers as usual when onRefused ${what}`, async () => {
      const { url, key, handled } = await launchWithKey({ adapter: { onRefused } })
      expect((await sendRaw(url, track('sk_live_nonsense'))).status).toBe(401)
      expect((await sendRaw(url, track(key))).status).toBe(200)
      expect(handled().length).toBe(1)
    })

  test('does not tell onRefused of preflights and accepted requests', async () => {
    const told: Refused[] = []
    const { url, key } = await launchWithKey({ adapter: { onRefused: (refused) => told.push(refused) } })
    const preflight = ['Host: localhost', 'Origin: https://a.example', 'Access-Control-Request-Method: POST']
    expect((await sendRaw(url, toWire('OPTIONS /v1/track HTTP/1.1', preflight))).status).toBe(204)
    expect((await sendRaw(url, track(key))).status).toBe(200)
    expect(told).toEqual([])
  })

  test('gives the same bytes for every cause of 401', async () => {
    const { url, keys } = await launch()
    const bodies = new Set<string>()
    for (const state of [
      'unknown',
      'revoked',
      'removed',
      'expired',
      'other environment',
      'grace over',
    ] as const) {
      const clock = createManualClock(frozenAt)
      const { url: ownUrl, keys: ownKeys } = await launch({ options: { clock } })
      const { secret } = await bringIntoState(ownKeys, clock, { state })
      bodies.add(comparable(await sendRaw(ownUrl, track(secret))))
    }
    bodies.add(comparable(await sendRaw(url, track('sk_live_nonsense'))))
    bodies.add(
      comparable(
        await sendRaw(url, toWire('POST /v1/track HTTP/1.1', ['Host: localhost', 'Content-Length: 2'], '{}')),
      ),
    )
    expect(await keys.list()).toMatchObject({ data: [] })
    expect(bodies.size).toBe(1)
  })

  test('refuses with 503 once the keys are closed', async () => {
    const { url, key, keys, handled } = await launchWithKey()
    await keys.close()
    expect((await sendRaw(url, track(key))).status).toBe(503)
    expect(handled()).toEqual([])
  })
}

/** An answer as text, less its date. */
function comparable({ status, headers: { date: _, ...headers }, body }: RawAnswer): string {
  return JSON.stringify({ status, headers, body })
}

/** Some servers report the end of an answer after the client has received it. */
async function settled(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !isSo(); turn++) await nextTurn()
}
