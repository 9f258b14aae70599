import { describe, expect, it } from 'vitest'
import { base64, form, setUp } from './named-senders.ts'

describe('rules of a key, for each sender', () => {
  it("judge profiles by Mixpanel's path, whatever else they hold", async () => {
    const { post, key, arrived } = await setUp({ allowedEventTypes: ['track'] })
    const profile = { $token: key, $distinct_id: '42', $set: { plan: 'admin' } }
    for (const path of ['/engage', '/groups'])
      for (const body of [profile, { ...profile, event: 'x' }, { ...profile, $delete: '', event: 'x' }]) {
        expect((await post(path, [body])).status).toBe(403)
        expect((await post(path, `data=${encodeURIComponent(base64(body))}`, form)).status).toBe(403)
      }
    expect((await post('/track', [profile])).status).toBe(403)
    expect(arrived).toEqual([])
    const all = await setUp()
    for (const path of ['/engage', '/groups', '/track'])
      await all.post(path, [{ $token: all.key, $group_key: 'company', event: undefined }])
    expect(all.arrived.map(({ type }) => type)).toEqual(['identify', 'group', 'group'])
  })

  it('judge the type and the name that the record says', async () => {
    const { post, key, arrived } = await setUp({
      allowedEventTypes: ['track', 'page'],
      allowedEventNames: ['Signed Up', '$pageview'],
    })
    const posthog = async (event: object) => (await post('/capture/', { api_key: key, ...event })).status
    expect(await posthog({ event: 'Signed Up' })).toBe(200)
    expect(await posthog({ event: 'Signed Up', type: 'capture', name: 'Order Paid' })).toBe(200)
    expect(await posthog({ event: '$pageview', name: 'Home' })).toBe(200)
    expect(await posthog({ event: 'Order Paid', type: 'page', name: 'Signed Up' })).toBe(403)
    expect(await posthog({ event: '$identify', type: 'track' })).toBe(403)
    expect(await posthog({ name: 'Signed Up' })).toBe(400)
    expect(await posthog({ event: ['Signed Up'] })).toBe(400)
    expect(await posthog({ event: 'constructor' })).toBe(403)
    const amplitude = async (event: object) =>
      (await post('/2/httpapi', { api_key: key, events: [event] })).status
    expect(await amplitude({ event_type: 'Signed Up' })).toBe(200)
    expect(await amplitude({ event_type: 'Order Paid', event: 'Signed Up' })).toBe(403)
    expect(await amplitude({ event_type: '$identify', type: 'track', event: 'Signed Up' })).toBe(403)
    const mixpanel = async (event: object) =>
      (await post('/track', [event], { authorization: `Basic ${btoa(`${key}:`)}` })).status
    expect(await mixpanel({ event: 'Signed Up', properties: {} })).toBe(200)
    expect(await mixpanel({ event: 'Order Paid', properties: {} })).toBe(403)
    expect(await mixpanel({ event: 'Order Paid', type: 'identify', $set: {} })).toBe(403)
    expect(await mixpanel({ $set: {}, type: 'track' })).toBe(403)
    const jitsu = async (path: string, event: object) =>
      (await post(path, event, { 'x-write-key': `any:${key}` })).status
    expect(await jitsu('/api/s/track', { type: 'track', event: 'Signed Up' })).toBe(200)
    expect(await jitsu('/api/s/identify', { type: 'identify' })).toBe(403)
    expect(await jitsu('/api/s/track', { type: 'identify', event: 'Signed Up' })).toBe(400)
    expect(await jitsu('/api/s/event', { type: 'identify', event: 'Signed Up' })).toBe(403)
    for (const event of arrived) {
      expect(['track', 'page']).toContain(event.type)
      expect(['Signed Up', '$pageview']).toContain(event.type === 'page' ? event.name : event.event)
    }
    expect(arrived).toHaveLength(6)
  })

  it('refuse an event without the name that says its type, as its API does', async () => {
    const { post, key, arrived } = await setUp({ allowedEventTypes: ['track'] })
    const authorization = { authorization: `Basic ${btoa(`${key}:`)}` }
    // What another sender's name would say, and what its API would do with it.
    const others = { name: '$identify', type: 'track', user_properties: {}, properties: {}, $set: {} }
    const refused: unknown[] = []
    for (const [path, named, other] of [
      ['/2/httpapi', 'event_type', 'event'],
      ['/batch', 'event_type', 'event'],
      ['/batch/', 'event', 'event_type'],
      ['/capture/', 'event', 'event_type'],
      ['/track', 'event', 'event_type'],
      ['/import', 'event', 'event_type'],
    ] as const) {
      const nameless: object[] = [null, '', 5, true, ['x'], { x: 1 }].map((name) => ({ [named]: name }))
      // In Mixpanel, what has no `event` at all is a profile.
      if (!['/track', '/import'].includes(path)) nameless.push({}, { [other]: '$identify' })
      for (const fields of nameless) {
        const event = { ...others, [other]: '$identify', ...fields }
        const { status, json } = await post(path, [event], authorization)
        if (status !== 400 || (json().code !== 'invalid_event' && json().reason !== 'invalid_event'))
          refused.push([path, fields, status])
      }
    }
    expect(refused).toEqual([])
    expect(arrived).toEqual([])
    const amplitude = await post('/2/httpapi', { api_key: key, events: [{ event: '$identify' }] })
    expect(amplitude.json()).toMatchObject({ code: 400, missing_field: 'event_type' })
    const posthogs = await post('/batch', { api_key: key, batch: [{ event: '$identify', distinct_id: '1' }] })
    expect(posthogs.status).toBe(400)
  })

  it('leave out an event without a name where they drop', async () => {
    const { post, key, arrived } = await setUp({ allowedEventTypes: ['track'] }, { onForbiddenEvent: 'drop' })
    const batch = [{ event: 'a' }, { event: null }, { event: '$identify' }, { name: 'b' }]
    const answer = await post('/batch/', { api_key: key, batch })
    expect(answer.json().rejected).toMatchObject([
      { index: 1, code: 'invalid_event' },
      { index: 2, code: 'event_type_not_allowed' },
      { index: 3, code: 'invalid_event' },
    ])
    expect(arrived).toMatchObject([{ event: 'a' }])
  })

  it('charge a batch by its events, and leave out what is dropped', async () => {
    const { post, key, arrived } = await setUp(
      { allowedEventNames: ['a'] },
      { onForbiddenEvent: 'drop', clock: () => 1_800_000_000_000 },
    )
    const events = Array.from({ length: 100 }, (_, n) => ({ event_type: n === 7 ? 'b' : 'a' }))
    const answer = await post('/2/httpapi', { api_key: key, events: [...events.slice(1), null] })
    expect(answer.json()).toMatchObject({ code: 200, events_ingested: 98 })
    expect(answer.json().rejected.map(({ index }: { index: number }) => index)).toEqual([6, 99])
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('900')
    expect(arrived).toHaveLength(98)
  })
})
