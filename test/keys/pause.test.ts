import { describe, expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'

const basic = (key: string) => ({ authorization: `Basic ${btoa(`${key}:`)}` })
const track = (key: string, headers: Record<string, string> = {}) => ({
  method: 'POST',
  path: '/v1/track',
  headers: { ...basic(key), ...headers },
  body: { event: 'Signed Up' },
})

describe('a paused key', () => {
  it('is refused with 429 and Retry-After 60 until it is resumed', async () => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    const { writeKey, key } = await keys.create({ name: 'Web', sourceType: 'web' })
    expect((await keys.verify(track(key))).ok).toBe(true)
    expect(await keys.pause(writeKey.id)).toMatchObject({ status: 'paused', version: 2 })
    const refused = await keys.verify(track(key))
    expect(refused).toMatchObject({ ok: false, reason: 'key_paused', reply: { status: 429 } })
    if (refused.ok) throw new Error('accepted')
    expect(refused.reply.headers['retry-after']).toBe('60')
    expect(JSON.parse(refused.reply.body)).toMatchObject({ code: 'key_paused', retry_after: 60 })
    expect(await keys.resume(writeKey.id)).toMatchObject({ status: 'active', version: 3 })
    expect((await keys.verify(track(key))).ok).toBe(true)
    const { data } = await keys.audit()
    // Also those of the same millisecond.
    expect(data.map(({ action }) => action)).toEqual(['resume', 'pause', 'create'])
    await keys.close()
  })

  it('lets the pages it allows read the refusal, and no others', async () => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    const { writeKey, key } = await keys.create({
      name: 'Web',
      sourceType: 'web',
      allowedOrigins: ['https://app.example.com'],
    })
    await keys.pause(writeKey.id)
    const allowOrigin = async (origin: string) => {
      const verdict = await keys.verify(track(key, { origin }))
      return verdict.ok ? 'accepted' : verdict.reply.headers['access-control-allow-origin']
    }
    expect(await allowOrigin('https://app.example.com')).toBe('https://app.example.com')
    expect(await allowOrigin('https://evil.example')).toBeUndefined()
    await keys.close()
  })

  it('can be paused and resumed twice, changed and rotated, and revoked for good', async () => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    await keys.pause(writeKey.id)
    expect(await keys.pause(writeKey.id)).toMatchObject({ status: 'paused', version: 2 })
    expect(await keys.update(writeKey.id, { rateLimitEps: 5 })).toMatchObject({ status: 'paused' })
    const rotated = await keys.rotate(writeKey.id)
    expect(await keys.verify(track(rotated.key))).toMatchObject({ reason: 'key_paused' })
    expect((await keys.list({ status: 'paused' })).data).toHaveLength(1)
    await keys.revoke(writeKey.id)
    await expect(keys.pause(writeKey.id)).rejects.toMatchObject({ code: 'conflict', reason: 'revoked' })
    await expect(keys.resume(writeKey.id)).rejects.toMatchObject({ code: 'conflict', reason: 'revoked' })
    await keys.close()
  })

  it('is unauthorised like any other when it has expired', async () => {
    const time = { now: 1_800_000_000_000 }
    const keys = createWriteKeys({ store: createMemoryStore(), clock: () => time.now })
    const { writeKey, key } = await keys.create({
      name: 'Web',
      sourceType: 'web',
      expiresAt: time.now + 1_000,
    })
    await keys.pause(writeKey.id)
    time.now += 2_000
    expect(await keys.verify(track(key))).toMatchObject({ reason: 'expired_key', reply: { status: 401 } })
    await keys.close()
  })
})
