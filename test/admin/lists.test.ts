import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys } from '../../src/index.ts'
import { usageBucketMs } from '../../src/stores/usage-store.ts'
import { base, callApi, startAdmin, tokens } from './admin-calls.ts'

async function setUp() {
  const admin = startAdmin()
  const made = []
  for (const [name, sourceType] of [
    ['Shop', 'web'],
    ['backend', 'server'],
    ['App', 'mobile'],
  ] as const) {
    made.push(await admin.keys.create({ name, sourceType, allowedOrigins: ['https://shop.example'] }))
  }
  const [shop, backend, app] = made as [(typeof made)[0], (typeof made)[0], (typeof made)[0]]
  const send = (key: string, count: number, origin?: string) =>
    admin.keys.verify({
      method: 'POST',
      path: '/v1/batch',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, ...(origin !== undefined && { origin }) },
      body: Array.from({ length: count }, () => ({ type: 'track', event: 'x' })),
    })
  const names = async (query: string) =>
    (await admin.call('GET', `${base}?${query}`)).body.data.map(({ name }: { name: string }) => name)
  return { ...admin, shop, backend, app, send, names }
}

describe('the list of keys', () => {
  it('is sorted by what is stored and by what is counted, page by page', async () => {
    const { shop, app, send, names, call, time } = await setUp()
    await send(app.key, 5)
    time.now += 1_000
    await send(shop.key, 3)
    await send(shop.key, 1, 'https://other.example')
    expect(await names('sort=name')).toEqual(['App', 'backend', 'Shop'])
    expect(await names('sort=-name')).toEqual(['Shop', 'backend', 'App'])
    expect(await names('sort=source_type')).toEqual(['App', 'backend', 'Shop'])
    expect(await names('sort=-last_event_at')).toEqual(['Shop', 'App', 'backend'])
    expect(await names('sort=-events_24h')).toEqual(['App', 'Shop', 'backend'])
    expect((await names('sort=-rejected_24h'))[0]).toBe('Shop')
    const first = (await call('GET', `${base}?sort=-events_24h&limit=2`)).body
    expect([first.data.length, first.total]).toEqual([2, 3])
    const second = (await call('GET', `${base}?sort=-events_24h&limit=2&cursor=${first.next_cursor}`)).body
    expect(second).toMatchObject({ data: [{ name: 'backend' }], next_cursor: null, total: null })
    const refused = await call('GET', `${base}?sort=color`)
    expect(refused.body).toMatchObject({ status: 422, field: 'sort' })
    const other = await call('GET', `${base}?sort=name&cursor=${first.next_cursor}`)
    expect(other.body).toMatchObject({ status: 422, field: 'cursor' })
  })

  it('keeps an order by counts from page to page, with ties, while events arrive', async () => {
    const { keys, store, call, time, send } = await setUp()
    const made = []
    for (let index = 0; index < 9; index++)
      made.push(await keys.create({ name: `k${index}`, sourceType: 'web' }))
    // Two with one event, two with two, and so on; seven without any.
    for (const [index, { key }] of made.slice(0, 5).entries()) await send(key, 1 + (index >> 1))
    const asked = `${base}?sort=-events_24h&limit=4`
    const whole: string[] = (await call('GET', `${base}?sort=-events_24h`)).body.data.map(
      ({ id }: { id: string }) => id,
    )
    expect(whole).toHaveLength(12)
    const other = callApi(createAdminApi(createWriteKeys({ store, clock: () => time.now }), { tokens }))
    for (const laterPages of [call, other]) {
      const first = (await call('GET', asked)).body
      // The last ones of the order rise to its head.
      time.now += usageBucketMs
      for (const { key } of made.slice(5)) await send(key, 100)
      const second = (await laterPages('GET', `${asked}&cursor=${first.next_cursor}`)).body
      const third = (await laterPages('GET', `${asked}&cursor=${second.next_cursor}`)).body
      const walked = [first, second, third].flatMap(({ data }) => data.map(({ id }: { id: string }) => id))
      expect(walked).toHaveLength(12)
      expect(new Set(walked)).toEqual(new Set(whole))
      expect(third.next_cursor).toBe(null)
    }
    expect((await call('GET', asked)).body.data[0].name).toMatch(/k[5-8]/)
  })

  it('leaves out what no longer fits when its page is read', async () => {
    const { shop, backend, app, keys, call, send } = await setUp()
    await send(shop.key, 3)
    await send(app.key, 2)
    const asked = `${base}?sort=-events_24h&limit=1&effective_status=active`
    const first = (await call('GET', asked)).body
    await keys.revoke(app.writeKey.id)
    await keys.remove(backend.writeKey.id)
    const second = (await call('GET', `${asked}&cursor=${first.next_cursor}`)).body
    const third = (await call('GET', `${asked}&cursor=${second.next_cursor}`)).body
    expect([first.data.length, second.data, third.data, third.next_cursor]).toEqual([1, [], [], null])
  })

  it('is filtered by the stored status, and by the one that people see', async () => {
    const { keys, names, shop, backend, app, time, call } = await setUp()
    await keys.rotate(shop.writeKey.id, { gracePeriodHours: 1 })
    await keys.update(backend.writeKey.id, { expiresAt: new Date(time.now + 60_000) })
    time.now += 60_000
    expect(await names('status=active&sort=name')).toEqual(['App', 'backend', 'Shop'])
    expect(await names('effective_status=active')).toEqual(['App'])
    expect(await names('effective_status=rotating')).toEqual(['Shop'])
    expect(await names('effective_status=rotating&sort=-events_24h')).toEqual(['Shop'])
    expect(await names('effective_status=expired')).toEqual(['backend'])
    const page = (await call('GET', `${base}?effective_status=expired&limit=1`)).body
    expect([page.total, page.next_cursor]).toEqual([1, null])
    await keys.pause(app.writeKey.id)
    expect(await names('effective_status=paused')).toEqual(['App'])
    time.now += 3_600_000
    expect(await names('effective_status=active')).toEqual(['Shop'])
    const refused = await call('GET', `${base}?effective_status=gone`)
    expect(refused.body).toMatchObject({ status: 422, field: 'effective_status' })
  })

  it('finds what somebody should look at, among any number of keys', async () => {
    const { keys, names, shop, backend, app, time, send, call } = await setUp()
    await keys.rotate(shop.writeKey.id, { gracePeriodHours: 30 * 24 })
    await keys.rotate(backend.writeKey.id, { gracePeriodHours: 29 * 24 })
    time.now += 28.5 * 86_400_000
    expect(await names('concern=grace_ending')).toEqual(['backend'])
    expect(await names('concern=grace_ending&sort=-events_24h')).toEqual(['backend'])
    expect((await call('GET', `${base}?concern=grace_ending&limit=1`)).body.total).toBe(1)
    expect(await names('concern=unused')).toEqual([])
    time.now += 62 * 86_400_000
    await send(app.key, 1)
    expect(await names('concern=unused&sort=name')).toEqual(['backend', 'Shop'])
    expect(await names('concern=old_secret')).toEqual(['App'])
    expect((await call('GET', `${base}?concern=gone`)).body).toMatchObject({ status: 422, field: 'concern' })
  })

  it('is searched by name, id, environment and the start of a secret', async () => {
    const { names, shop } = await setUp()
    expect(await names('q=SHO')).toEqual(['Shop'])
    expect(await names(`q=${shop.writeKey.id.slice(0, 12)}`)).toEqual(['Shop'])
    expect(await names('q=product')).toHaveLength(3)
    expect(await names(`q=${shop.key.slice(0, 12)}`)).toEqual(['Shop'])
  })
})

describe('usage of all keys', () => {
  it('is told by source type and by key, most refused first, with reasons, rate and series', async () => {
    const { shop, app, send, call } = await setUp()
    await send(app.key, 5)
    await send(shop.key, 3)
    await send(shop.key, 1, 'https://other.example')
    const { status, body } = await call('GET', '/api/v1/events/usage?window=24h&group_by=source_type')
    expect(status).toBe(200)
    expect(body.total).toMatchObject({ accepted: 8, refused: 1, success_rate: 8 / 9, keys: 2 })
    expect(body.data).toMatchObject([
      { group: 'web', accepted: 3, refused: 1, reasons: { origin_not_allowed: 1 } },
      { group: 'mobile', accepted: 5, refused: 0, success_rate: 1 },
    ])
    expect(body.total.series).toHaveLength(24)
    expect(body.total.series.at(-1)).toMatchObject({ accepted: 8, refused: 1 })
    const byKey = (await call('GET', '/api/v1/events/usage?group_by=key&zone=Asia/Kolkata')).body
    expect(byKey.data[0]).toMatchObject({ group: shop.writeKey.id, key: { name: 'Shop' } })
    expect(byKey.data[0].series[0].at).toMatch(/:30:00/)
    expect((await call('GET', '/api/v1/events/usage?zone=Mars')).body).toMatchObject({
      status: 422,
      field: 'zone',
    })
  })
})
