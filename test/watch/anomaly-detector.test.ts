import { describe, expect, it } from 'vitest'
import type { RequestDecision } from '../../src/verifier/request-decision.ts'
import type { Anomaly, AnomalyOptions } from '../../src/watch/anomaly.ts'
import { createAnomalyDetector } from '../../src/watch/anomaly-detector.ts'

const dayMs = 86_400_000
const start = 1_000 * dayMs
const accepted: RequestDecision = {
  reason: null,
  keyId: 'wk_1',
  sourceType: 'web',
  secret: { id: 'sec_1', createdAt: start, expiresAt: null },
  events: 1,
  rejected: 0,
  routeType: 'track',
  batchFields: ['batch'],
}

function watch(options: AnomalyOptions = {}, isSilent: () => Promise<boolean | 'gone'> = async () => true) {
  let now = start
  const reported: Anomaly[] = []
  const detector = createAnomalyDetector(
    { clock: { now: () => now }, report: (anomaly) => reported.push(anomaly), isSilent },
    { windowMs: 1_000, ...options },
  )
  return {
    ...detector,
    reported,
    kinds: () => detector.list().map(({ kind }) => kind),
    pass(ms: number) {
      now += ms
      detector.check()
    },
    send(events: number, windows = 1) {
      for (let index = 0; index < windows; index++) {
        detector.record({ ...accepted, events })
        this.pass(1_000)
      }
    },
  }
}

describe('a spike', () => {
  it('is volume far above what the key usually has', () => {
    const traffic = watch()
    traffic.send(100, 10)
    traffic.record({ ...accepted, events: 350 })
    expect(traffic.list()).toEqual([])
    traffic.record({ ...accepted, events: 60 })
    expect(traffic.list()).toMatchObject([
      { kind: 'volume_spike', keyId: 'wk_1', observed: 410, expected: 100 },
    ])
  })

  it('is not seen in a busy key that is always so, nor in a handful of events, nor before there is a baseline', () => {
    const busy = watch()
    busy.send(10_000, 50)
    const quiet = watch()
    quiet.send(2, 20)
    quiet.send(150)
    const fresh = watch()
    fresh.send(1)
    fresh.send(5_000)
    expect([...busy.list(), ...quiet.list(), ...fresh.list()]).toEqual([])
  })

  it('becomes the usual volume when it stays', () => {
    const traffic = watch()
    traffic.send(100, 10)
    traffic.send(1_000, 40)
    const { count } = traffic.list()[0] as Anomaly
    traffic.send(1_000, 40)
    expect(traffic.list()[0]?.count).toBe(count)
  })

  it('is told to the hook once, and again after an hour without one', () => {
    const traffic = watch({ keepMs: dayMs })
    traffic.send(100, 10)
    traffic.record({ ...accepted, events: 1_000 })
    traffic.record({ ...accepted, events: 1_000 })
    expect(traffic.reported).toHaveLength(1)
    traffic.pass(3_700_000)
    traffic.send(100, 60)
    traffic.record({ ...accepted, events: 5_000 })
    expect(traffic.reported.filter(({ kind }) => kind === 'volume_spike')).toHaveLength(2)
  })
})

describe('a silence', () => {
  /** The store is asked first. */
  const asked = () => new Promise((resolve) => setImmediate(resolve))

  it('is a key with steady traffic that stops', async () => {
    const traffic = watch()
    traffic.send(50, 10)
    traffic.pass(1_000)
    traffic.pass(1_000)
    expect(traffic.list()).toEqual([])
    traffic.pass(1_000)
    await asked()
    expect(traffic.list()).toMatchObject([{ kind: 'sudden_silence', observed: 0, expected: 50 }])
  })

  it('is nothing unusual in a key that has been revoked or removed', async () => {
    let questions = 0
    const traffic = watch({}, async () => {
      questions++
      return 'gone'
    })
    traffic.send(50, 10)
    for (let index = 0; index < 10; index++) {
      traffic.pass(1_000)
      await asked()
    }
    expect([traffic.list(), traffic.reported, questions]).toEqual([[], [], 1])
  })

  it('is none of a key that sends to another process', async () => {
    const traffic = watch({}, async () => false)
    traffic.send(50, 10)
    for (let index = 0; index < 5; index++) {
      traffic.pass(1_000)
      await asked()
    }
    expect(traffic.list()).toEqual([])
  })

  it('is not waited for in a key that this process has revoked, whatever its senders go on doing', async () => {
    let questions = 0
    const traffic = watch({}, async () => {
      questions++
      return true
    })
    traffic.send(50, 10)
    traffic.forget('wk_1')
    for (let index = 0; index < 10; index++) {
      traffic.record({ ...accepted, reason: 'revoked_key', events: 0, origin: `https://${index}.example` })
      traffic.pass(1_000)
      await asked()
    }
    expect([traffic.list(), questions]).toEqual([[], 0])
  })

  it('is reported once the store says again whether the key is in use', async () => {
    let isDown = true
    const traffic = watch({}, async () => {
      if (isDown) throw new Error('no answer')
      return true
    })
    traffic.send(50, 10)
    for (let index = 0; index < 3; index++) traffic.pass(1_000)
    await asked()
    expect(traffic.list()).toEqual([])
    isDown = false
    traffic.pass(1_000)
    await asked()
    expect(traffic.kinds()).toEqual(['sudden_silence'])
  })

  it('is not seen in a key that sends now and then', async () => {
    const traffic = watch()
    traffic.send(3, 10)
    for (let index = 0; index < 10; index++) traffic.pass(1_000)
    await asked()
    expect(traffic.list()).toEqual([])
  })

  it('of the whole process counts as one window', async () => {
    const traffic = watch()
    traffic.send(50, 10)
    traffic.pass(600_000)
    await asked()
    expect(traffic.list()).toEqual([])
  })
})

describe('an unseen place', () => {
  const stranger = {
    ...accepted,
    reason: 'origin_not_allowed' as const,
    events: 0,
    origin: 'https://evil.example',
  }

  it('is reported when it is refused again and again', () => {
    const traffic = watch({ unseenRefusals: 3 })
    for (let index = 0; index < 3; index++) traffic.record({ ...stranger, address: `203.0.113.${index}` })
    expect(traffic.list()).toMatchObject([
      { kind: 'unseen_origin', origin: 'https://evil.example', count: 3 },
    ])
    for (let index = 0; index < 3; index++) {
      traffic.record({ ...accepted, reason: 'ip_not_allowed', events: 0, address: '203.0.113.9' })
    }
    expect(traffic.kinds().sort()).toEqual(['unseen_address', 'unseen_origin'])
  })

  it('is not one that was accepted before', () => {
    const traffic = watch({ unseenRefusals: 3 })
    traffic.record({ ...accepted, origin: 'https://app.example' })
    for (let index = 0; index < 9; index++) {
      traffic.record({ ...accepted, reason: 'rate_limited', events: 0, origin: 'https://app.example' })
    }
    expect(traffic.list()).toEqual([])
  })

  it('costs bounded memory under a flood of different ones', () => {
    const traffic = watch({ unseenRefusals: 1 })
    for (let index = 0; index < 20_000; index++) {
      traffic.record({ ...stranger, origin: `https://e${index}.example` })
    }
    expect(traffic.list().length).toBeLessThanOrEqual(500)
  })
})

describe('a secret', () => {
  it('of a server key is reported when a browser presents it', () => {
    const traffic = watch()
    traffic.record({ ...accepted, sourceType: 'server', origin: 'https://app.example' })
    expect(traffic.list()).toMatchObject([{ kind: 'server_key_in_browser', origin: 'https://app.example' }])
  })

  it('in its grace is reported when it is still used near the end', () => {
    const traffic = watch()
    const secret = { id: 'sec_0', createdAt: start, expiresAt: start + 10_000_000 }
    traffic.record({ ...accepted, secret })
    expect(traffic.list()).toEqual([])
    traffic.pass(3_000_000)
    traffic.record({ ...accepted, secret })
    expect(traffic.list()).toMatchObject([
      { kind: 'grace_ending', secretId: 'sec_0', secretAt: start + 10_000_000 },
    ])
  })

  it('older than 90 days is reported when it is used', () => {
    const traffic = watch()
    traffic.record({ ...accepted, secret: { id: 'sec_1', createdAt: start - 89 * dayMs, expiresAt: null } })
    expect(traffic.list()).toEqual([])
    traffic.record({ ...accepted, secret: { id: 'sec_2', createdAt: start - 91 * dayMs, expiresAt: null } })
    expect(traffic.list()).toMatchObject([{ kind: 'old_secret', secretId: 'sec_2' }])
  })
})

describe('anomalies', () => {
  it('are forgotten a day after they were last seen', () => {
    const traffic = watch()
    traffic.record({ ...accepted, sourceType: 'server', origin: 'https://app.example' })
    traffic.pass(dayMs)
    expect(traffic.list()).toHaveLength(1)
    traffic.pass(1)
    expect(traffic.list()).toEqual([])
  })

  it('need a known key', () => {
    const traffic = watch({ unseenRefusals: 1 })
    traffic.record({ ...accepted, keyId: null, reason: 'unknown_key', origin: 'https://evil.example' })
    expect(traffic.list()).toEqual([])
  })

  it('say so for few keys only when each has its own baseline', () => {
    const traffic = watch()
    for (let window = 0; window < 10; window++) {
      traffic.record({ ...accepted, keyId: 'wk_small', events: 10 })
      traffic.record({ ...accepted, keyId: 'wk_big', events: 1_000 })
      traffic.pass(1_000)
    }
    traffic.record({ ...accepted, keyId: 'wk_small', events: 300 })
    traffic.record({ ...accepted, keyId: 'wk_big', events: 1_300 })
    expect(traffic.list().map(({ keyId }) => keyId)).toEqual(['wk_small'])
  })
})

describe('thresholds', () => {
  it('are the defaults where an option is there but undefined', async () => {
    const none = { unseenRefusals: undefined, spikeFactor: undefined, silenceWindows: undefined }
    const traffic = watch(none as AnomalyOptions)
    traffic.send(100, 10)
    traffic.record({ ...accepted, events: 500 })
    for (let count = 0; count < 10; count++)
      traffic.record({ ...accepted, reason: 'origin_not_allowed', origin: 'https://other.example' })
    traffic.send(0, 4)
    await Promise.resolve()
    expect(traffic.kinds().sort()).toEqual(['sudden_silence', 'unseen_origin', 'volume_spike'])
  })
})
