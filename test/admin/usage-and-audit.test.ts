import { describe, expect, it } from 'vitest'
import { base, startAdmin } from './admin-calls.ts'
import { documented } from './documented-key.ts'

describe('usage and audit', () => {
  it('gives the series of a key by type and reason', async () => {
    const { call, keys } = startAdmin()
    const { body: created } = await call('POST', base, { body: documented })
    const authorization = `Basic ${Buffer.from(`${created.key}:`).toString('base64')}`
    await keys.verify({ method: 'POST', path: '/v1/page', headers: { authorization }, body: {} })
    await keys.verify({ method: 'POST', path: '/v1/page', headers: { authorization }, body: 'no' })
    const { status, body } = await call('GET', `${base}/${created.id}/usage?window=24h`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: created.id,
      bucket_seconds: 3_600,
      accepted_total: 1,
      accepted: { page: 1 },
      refused: { invalid_json: 1 },
    })
    expect(body.buckets).toHaveLength(24)
    expect(await call('GET', `${base}/${created.id}/usage?window=31d`)).toMatchObject({
      status: 422,
      body: { field: 'window' },
    })
  })

  it('tells every change with the token that made it', async () => {
    const { call, time } = startAdmin()
    const { body: created } = await call('POST', base, { body: documented })
    time.now += 1_000
    await call('PATCH', `${base}/${created.id}`, { body: { rate_limit_eps: 5 } })
    const { body } = await call('GET', `/api/v1/events/audit-log?key_id=${created.id}`)
    expect(body.data).toMatchObject([
      {
        action: 'update',
        actor: 'ops',
        address: '192.0.2.1',
        key_id: created.id,
        before: { rate_limit_eps: 500 },
        after: { rate_limit_eps: 5 },
      },
      {
        action: 'create',
        before: null,
        after: { name: 'Web App', secrets: [{ start: `sk_live_${created.key.slice(8, 12)}` }] },
      },
    ])
    expect(JSON.stringify(body)).not.toContain(created.key)
  })
})
