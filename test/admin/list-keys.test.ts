import { describe, expect, it } from 'vitest'
import { base, startAdmin } from './admin-calls.ts'
import { documented } from './documented-key.ts'

describe('listing keys', () => {
  it('shows volume and last event, never a secret', async () => {
    const { call, keys } = startAdmin()
    const { body: created } = await call('POST', base, { body: documented })
    const authorization = `Basic ${Buffer.from(`${created.key}:`).toString('base64')}`
    const request = { method: 'POST', headers: { authorization } }
    await keys.verify({ ...request, path: '/v1/track', body: [{}, {}] })
    await keys.verify({ ...request, path: '/v1/group', body: {} })
    const { body } = await call('GET', base)
    expect(body.next_cursor).toBeNull()
    expect(body.data).toMatchObject([
      {
        id: created.id,
        status: 'active',
        events_24h: 2,
        rejected_24h: 1,
        last_event_at: '2026-01-05T12:01:00.000Z',
        secrets: [{ start: created.key.slice(0, 12), last_used_at: '2026-01-05T12:01:00.000Z' }],
      },
    ])
    expect(JSON.stringify(body)).not.toContain(created.key)
    expect((await call('GET', `${base}/${created.id}`)).body).toEqual(body.data[0])
  })

  it('filters, and pages to the end without a gap', async () => {
    const { call, keys } = startAdmin()
    for (let index = 0; index < 7; index++) {
      await keys.create({ name: `Key ${index}`, sourceType: index < 5 ? 'web' : 'server' })
    }
    const seen: string[] = []
    let cursor = ''
    do {
      const { body } = await call('GET', `${base}?source_type=web&limit=2${cursor && `&cursor=${cursor}`}`)
      seen.push(...body.data.map(({ name }: { name: string }) => name))
      cursor = body.next_cursor ?? ''
    } while (cursor !== '')
    expect(seen.toSorted()).toEqual(['Key 0', 'Key 1', 'Key 2', 'Key 3', 'Key 4'])
    expect((await call('GET', `${base}?q=key+6`)).body.data).toMatchObject([{ name: 'Key 6' }])
    expect((await call('GET', `${base}?limit=1000000000`)).body.data).toHaveLength(7)
  })

  it.each([
    ['limit=0', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1e3', 'limit'],
    ['cursor=xyz', 'cursor'],
    ['status=any', 'status'],
    ['nope=1', 'nope'],
    ['q=a&q=b', 'q'],
    ['__proto__=1', '__proto__'],
  ])('refuses ?%s naming %s', async (query, field) => {
    const { call } = startAdmin()
    expect(await call('GET', `${base}?${query}`)).toMatchObject({ status: 422, body: { field } })
  })
})
