import { describe, expect, it } from 'vitest'
import { measuredOf } from '../../src/measured.ts'
import type { DecisionMeter } from '../../src/verifier/decision-counts.ts'
import { post } from '../manual-keys.ts'
import { startTold } from './told-keys.ts'

describe('a verification', () => {
  it('of a preflight is its answer, and is not let through', async () => {
    const { keys } = startTold()
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' }
    const request = { method: 'OPTIONS', path: '/v1/track', headers }
    expect(await keys.verify(request)).toMatchObject({
      ok: false,
      reason: 'preflight',
      reply: { status: 204 },
    })
    expect(keys.preflight(request)).toMatchObject({ status: 204 })
    expect(keys.preflight({ ...request, method: 'POST' })).toBeUndefined()
    expect(keys.preflight(undefined as never)).toBeUndefined()
  })

  it('takes the names of headers in any case', async () => {
    const { keys, make } = startTold()
    const { key } = await make({})
    const { headers, ...request } = post(key)
    const verdict = await keys.verify({ ...request, headers: { Authorization: headers.authorization } })
    expect(verdict.ok).toBe(true)
  })

  it.each([
    ['at once', {}, true],
    ['after a wait', async () => '{}', true],
    ['at once, with a refusal', 'no JSON', false],
    ['with an error', () => Promise.reject(new Error('broken')), false],
  ])('is timed, one in sixteen, when it ends %s', async (_, body, isAccepted) => {
    const { keys, make } = startTold()
    const { key } = await make({})
    const meter = measuredOf(keys)?.meter() as DecisionMeter
    const told: boolean[] = []
    meter.onDuration((seconds, accepted) => {
      expect(seconds).toBeLessThan(60)
      told.push(accepted)
    })
    for (let count = 0; count < 17; count++) await keys.verify(post(key, body))
    expect(told).toEqual([isAccepted, isAccepted])
  })

  it('that refuses before it has read a body leaves no rejection of that body to the process', async () => {
    const { keys } = startTold()
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      const body = Promise.reject(new Error('the client has left'))
      expect(await keys.verify(post('sk_live_wrong', body))).toMatchObject({ ok: false })
      await new Promise(setImmediate)
    } finally {
      process.off('unhandledRejection', note)
    }
    expect(unhandled).toEqual([])
  })

  it('that waits keeps write keys from being closed', async () => {
    const { keys, make } = startTold()
    const { key } = await make({})
    let finish = (_: string) => {}
    const body = () =>
      new Promise<string>((resolve) => {
        finish = resolve
      })
    const verdict = keys.verify(post(key, body))
    await new Promise(setImmediate)
    let isClosed = false
    const closed = keys.close().then(() => {
      isClosed = true
    })
    await new Promise(setImmediate)
    expect(isClosed).toBe(false)
    finish('{}')
    expect((await verdict).ok).toBe(true)
    await closed
  })
})
