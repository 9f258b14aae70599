import { describe, expect, it } from 'vitest'
import { generateSecret } from '../../src/keys/secret.ts'
import { ask, setUp } from './watched-store.ts'

describe('a flood of wrong keys', () => {
  it('that are malformed reaches no store', async () => {
    const { keys, watched } = setUp('process')
    for (let count = 0; count < 1_000; count++) {
      expect(await ask(keys, `${generateSecret('sk_live_').slice(0, -1)}!`)).toBe('malformed_key')
    }
    expect(watched.reads).toBe(0)
    await keys.close()
  })

  it('from one address costs its budget of reads, and then five a second', async () => {
    const { keys, clock, watched } = setUp('process')
    const flood = async (count: number) => {
      for (let sent = 0; sent < count; sent++) await ask(keys, generateSecret('sk_live_'))
    }
    await flood(500)
    expect(watched.reads).toBe(20)
    expect(await ask(keys, generateSecret('sk_live_'))).toBe('too_many_failures')
    clock.advance(1_000)
    await flood(500)
    expect(watched.reads).toBe(25)
    await keys.close()
  })

  it('does not stop keys that are cached, nor other addresses', async () => {
    const { keys, create } = setUp('process')
    const [cached, cold] = [await create(), await create()]
    expect(await ask(keys, cached.key)).toBe('accepted')
    for (let sent = 0; sent < 50; sent++) await ask(keys, generateSecret('sk_live_'))
    expect(await ask(keys, cached.key)).toBe('accepted')
    expect(await ask(keys, cold.key)).toBe('too_many_failures')
    expect(await ask(keys, cold.key, '198.51.100.2')).toBe('accepted')
    expect(await ask(keys, cold.key)).toBe('accepted')
    await keys.close()
  })

  it('from one IPv6 network counts as from one address', async () => {
    const { keys, watched } = setUp('process')
    for (let host = 1; host <= 200; host++) {
      await ask(keys, generateSecret('sk_live_'), `2001:db8:1:2::${host.toString(16)}`)
    }
    expect(watched.reads).toBe(20)
    expect(await ask(keys, generateSecret('sk_live_'), '2001:db8:1:3::1')).toBe('unknown_key')
    await keys.close()
  })

  it('from everywhere costs the budget of all, and answers 503, as any of them may be innocent', async () => {
    const { keys, watched } = setUp('process')
    const outcomes: string[] = []
    for (let host = 0; host < 250; host++) {
      outcomes.push(await ask(keys, generateSecret('sk_live_'), `203.0.${host}.1`))
    }
    expect(watched.reads).toBe(100)
    expect(outcomes.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 'unknown_key'))
    expect(new Set(outcomes.slice(100))).toEqual(new Set(['store_unavailable']))
    await keys.close()
  })

  it('all at once costs no more than the lookups that run at once on top', async () => {
    const { keys, watched, clock } = setUp('process')
    watched.hold = () => new Promise((resolve) => setTimeout(resolve, 1))
    await Promise.all(Array.from({ length: 2_000 }, () => ask(keys, generateSecret('sk_live_'))))
    expect(watched.reads).toBeLessThanOrEqual(20 + 32)
    const before = watched.reads
    clock.advance(1_000)
    await Promise.all(Array.from({ length: 2_000 }, () => ask(keys, generateSecret('sk_live_'))))
    // What was too much is paid back first.
    expect(watched.reads - before).toBeLessThanOrEqual(5 + 32)
    await keys.close()
  })

  it('does not push cached keys out', async () => {
    const { keys, watched, create } = setUp('process', { cache: { maxKeys: 50 } })
    const created = await Promise.all(Array.from({ length: 50 }, create))
    for (const { key } of created) await ask(keys, key)
    for (let count = 0; count < 5_000; count++)
      await ask(keys, generateSecret('sk_live_'), `203.0.${count % 250}.1`)
    const before = watched.reads
    for (const { key } of created) expect(await ask(keys, key)).toBe('accepted')
    expect(watched.reads).toBe(before)
    await keys.close()
  })
})
