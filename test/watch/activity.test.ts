import { describe, expect, it } from 'vitest'
import { createWriteKeys, type WriteKeyEvent, type WriteKeysOptions } from '../../src/index.ts'

const dayMs = 86_400_000

function setUp(options: WriteKeysOptions = {}) {
  const time = { now: Date.UTC(2026, 0, 5) }
  const keys = createWriteKeys({ clock: () => time.now, ...options })
  const send = (key: string, body: unknown = { event: 'Signed Up' }, headers: Record<string, string> = {}) =>
    keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, ...headers },
      ip: '203.0.113.7',
      body,
    })
  return { keys, time, send }
}

describe('the activity of write keys', () => {
  it('shows what was decided and why, also where the sender is not told', async () => {
    const { keys, send } = setUp({ activity: {} })
    const web = await keys.create({ name: 'Web', sourceType: 'web', allowedOrigins: ['https://a.example'] })
    const test = await keys.create({ name: 'Test', sourceType: 'other', environment: 'test' })
    await send(web.key, { batch: [{ type: 'track', event: 'A' }] })
    await send(web.key, { event: 'B' }, { origin: 'https://evil.example' })
    await send(test.key)
    await send('nonsense')
    expect(
      keys.activity.decisions.list().map(({ keyId, reason, events, names, origin }) => {
        return { keyId, reason, events, names, origin }
      }),
    ).toEqual([
      { keyId: web.writeKey.id, reason: null, events: 1, names: ['A'], origin: null },
      {
        keyId: web.writeKey.id,
        reason: 'origin_not_allowed',
        events: 0,
        names: [],
        origin: 'https://evil.example',
      },
      { keyId: test.writeKey.id, reason: 'wrong_environment', events: 0, names: [], origin: null },
      { keyId: null, reason: 'malformed_key', events: 0, names: [], origin: null },
    ])
    await keys.close()
  })

  it('begins with the first look when nobody asked for it before', async () => {
    const { keys, send } = setUp()
    const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
    await send(key)
    expect(keys.activity.decisions.list()).toEqual([])
    await send(key)
    expect(keys.activity.decisions.list()).toHaveLength(1)
    await keys.close()
    await send(key)
    expect(keys.activity.decisions.list()).toHaveLength(1)
  })

  it('tells the hook of an anomaly once', async () => {
    const seen: WriteKeyEvent[] = []
    const { keys, time, send } = setUp({ onEvent: (event) => seen.push(event) })
    const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    time.now += 91 * dayMs
    await send(key)
    await send(key)
    expect(seen.filter(({ type }) => type === 'anomaly')).toEqual([
      { type: 'anomaly', kind: 'old_secret', keyId: writeKey.id, secretId: writeKey.secrets[0]?.id },
    ])
    expect(keys.activity.anomalies()).toMatchObject([{ kind: 'old_secret', count: 2 }])
    await keys.close()
  })

  it('tells the hook once of a secret used in its grace', async () => {
    const seen: string[] = []
    const { keys, send } = setUp({ onEvent: ({ type }) => seen.push(type) })
    const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    await keys.rotate(writeKey.id)
    await send(key)
    expect(seen).toEqual(['grace_used', 'accepted'])
    await keys.close()
  })

  it('changes no verdict when it fails', async () => {
    const { keys, send } = setUp({ activity: {} })
    const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
    keys.activity.decisions.subscribe(() => {
      throw new Error('a bug of whoever watches')
    })
    expect((await send(key)).ok).toBe(true)
    await keys.close()
  })

  it.each([
    [{ size: 0 }, 'activity.size'],
    [{ keepPayloads: 'yes' }, 'activity.keepPayloads'],
    [{ anomalies: { spikeFactor: 0 } }, 'activity.anomalies.spikeFactor'],
    [{ anomalies: { spike: 3 } }, 'activity.anomalies has no option "spike"'],
    [{ payloads: true }, 'activity has no option "payloads"'],
  ])('refuses bad options: %j', (activity, option) => {
    expect(() => createWriteKeys({ activity } as WriteKeysOptions)).toThrow(option)
  })
})
