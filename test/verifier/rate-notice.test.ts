import { describe, expect, it } from 'vitest'
import type { CompiledKey } from '../../src/verifier/compiled-key.ts'
import { createRateNotice } from '../../src/verifier/rate-notice.ts'

const hourMs = 3_600_000

function setUp() {
  let ms = 10 * hourMs
  const told: unknown[] = []
  const notice = createRateNotice({ now: () => ms }, (event) => told.push(event))
  const reach = (id: string, eps: number | null = 5) => {
    const before = told.length
    notice({ id, ratePolicy: eps === null ? null : { rate: { eps, burst: eps } } } as CompiledKey)
    return told.length > before
  }
  return {
    told,
    reach,
    wait(forMs: number) {
      ms += forMs
    },
  }
}

describe('the notice that a key has reached its rate', () => {
  it('is given once an hour for each key', () => {
    const { told, reach, wait } = setUp()
    expect([reach('wk_one'), reach('wk_one'), reach('wk_two', 7)]).toEqual([true, false, true])
    expect(told).toEqual([
      { type: 'rate_limit_reached', keyId: 'wk_one', rateLimitEps: 5 },
      { type: 'rate_limit_reached', keyId: 'wk_two', rateLimitEps: 7 },
    ])
    wait(hourMs - 1)
    expect(reach('wk_one')).toBe(false)
    wait(1)
    expect([reach('wk_one'), reach('wk_one')]).toEqual([true, false])
  })

  it('is given again when the clock was set back by an hour, and not for less', () => {
    const { reach, wait } = setUp()
    reach('wk_one')
    wait(1 - hourMs)
    expect(reach('wk_one')).toBe(false)
    wait(-1)
    expect(reach('wk_one')).toBe(true)
  })

  it('is remembered of the 10 000 keys that were told last', () => {
    const { reach } = setUp()
    for (let key = 0; key < 10_000; key++) reach(`wk_${key}`)
    expect([reach('wk_0'), reach('wk_9999')]).toEqual([false, false])
    expect([reach('wk_more'), reach('wk_1'), reach('wk_0')]).toEqual([true, false, true])
  })

  it('names no rate of a key that has none', () => {
    const { told, reach } = setUp()
    reach('wk_one', null)
    expect(told).toEqual([{ type: 'rate_limit_reached', keyId: 'wk_one', rateLimitEps: 0 }])
  })
})
