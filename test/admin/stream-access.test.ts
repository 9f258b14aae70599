import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Principal } from '../../src/admin/index.ts'
import { adminToken, startAdmin, tokens } from './admin-calls.ts'

const path = '/api/v1/events/debugger'

/** A stream that somebody reads whom the application lets in. */
async function openStream(headers: Record<string, string> = {}) {
  const access: { principal: Principal | null | 'no answer' } = { principal: { name: 'ada', role: 'viewer' } }
  const admin = startAdmin({
    admin: {
      tokens,
      authorize: () => {
        if (access.principal === 'no answer') return new Promise<never>(() => {})
        return access.principal
      },
    },
  })
  const { key } = await admin.keys.create({ name: 'Web', sourceType: 'web' })
  const response = await admin.api.fetch(
    new Request(`http://localhost${path}`, { headers: { accept: 'text/event-stream', ...headers } }),
  )
  const seen = { text: '', done: false }
  const reading = (async () => {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      seen.text += new TextDecoder().decode(chunk)
    }
    seen.done = true
  })()
  const send = () =>
    admin.keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      body: { event: 'Signed Up' },
    })
  return { ...admin, access, seen, reading, send }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a stream of decisions', () => {
  it('goes on for as long as its reader may read', async () => {
    const { send, seen, keys, reading } = await openStream()
    await vi.advanceTimersByTimeAsync(5 * 60_000)
    await send()
    await vi.advanceTimersByTimeAsync(1)
    expect(seen).toMatchObject({ done: false, text: expect.stringContaining('Signed Up') })
    await keys.close()
    await reading
  })

  it.each([
    ['is not let in any more', null],
    ['has other rights', { name: 'ada', role: 'admin' }],
    ['is somebody else', { name: 'bob', role: 'viewer' }],
    ['cannot be told, as the application does not answer', 'no answer'],
    ['cannot be told, as the application answers nonsense', {} as Principal],
  ] as const)('ends within 5 s when its reader %s', async (_, principal) => {
    const { access, send, seen, reading } = await openStream()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(seen.done).toBe(false)
    access.principal = principal
    await vi.advanceTimersByTimeAsync(4_999)
    await reading
    await send()
    expect(seen.text).not.toContain('Signed Up')
  })

  it('of a token goes on, whatever the application says', async () => {
    const { access, seen, keys, reading } = await openStream({ authorization: `Bearer ${adminToken}` })
    access.principal = null
    await vi.advanceTimersByTimeAsync(60_000)
    expect(seen.done).toBe(false)
    await keys.close()
    await reading
  })

  it('leaves no timer behind when its reader leaves', async () => {
    const { api, keys } = startAdmin()
    const before = vi.getTimerCount()
    const headers = { authorization: `Bearer ${adminToken}`, accept: 'text/event-stream' }
    const response = await api.fetch(new Request(`http://localhost${path}`, { headers }))
    await response.body?.cancel()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(vi.getTimerCount()).toBe(before)
    await keys.close()
  })

  it('is not opened for a HEAD, which nobody would end', async () => {
    const { api, keys } = startAdmin()
    const before = vi.getTimerCount()
    const headers = { authorization: `Bearer ${adminToken}`, accept: 'text/event-stream' }
    const response = await api.fetch(new Request(`http://localhost${path}`, { method: 'HEAD', headers }))
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    expect(vi.getTimerCount()).toBe(before)
    await keys.close()
  })
})
