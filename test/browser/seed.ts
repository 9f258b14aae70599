import { usageBucketMs } from '../../src/stores/usage-store.ts'
import type { PageServer } from './page-server.ts'

/** Keys of a small company with a day's and a month's traffic behind them. */
export async function seedKeys({ keys, store, send }: PageServer) {
  const web = await keys.create({
    name: 'Web App',
    sourceType: 'web',
    rateLimitEps: 500,
    allowedEventTypes: ['track', 'page'],
    allowedOrigins: ['https://app.example.com', 'https://staging.example.com'],
  })
  const ios = await keys.create({ name: 'iOS App', sourceType: 'mobile', rateLimitEps: 250 })
  const backend = await keys.create({
    name: 'Billing backend',
    sourceType: 'server',
    rateLimitEps: 5_000,
    allowedEventNames: ['billing/*'],
    allowedIps: ['127.0.0.0/8', '10.0.0.0/8'],
  })
  const old = await keys.create({ name: 'Landing page (2024)', sourceType: 'web', rateLimitEps: 100 })
  const test = await keys.create({ name: 'Load test', sourceType: 'other', rateLimitEps: 50 })
  await keys.create({ name: 'Staging', sourceType: 'server', environment: 'staging' })
  await keys.rotate(ios.writeKey.id, { gracePeriodHours: 24 })
  await keys.revoke(old.writeKey.id)

  const now = Date.now()
  const counts = [web, ios, backend, test].flatMap(({ writeKey: { id } }, place) =>
    Array.from({ length: 30 * 24 }, (_, hoursAgo) => {
      const at = now - hoursAgo * 3_600_000
      const bucketAt = at - (at % usageBucketMs)
      const daytime = 1.2 + Math.sin(((new Date(at).getUTCHours() - 6) / 24) * 2 * Math.PI)
      const base = [620, 240, 1_450, 9][place] as number
      const jitter = 0.75 + (((hoursAgo * 7919 + place * 104_729) % 97) / 97) * 0.5
      const volume = Math.round(base * daytime * jitter)
      const add = (kind: 'accepted' | 'refused', name: string, count: number) =>
        count > 0 ? [{ keyId: id, bucketAt, kind, name, count }] : []
      return [
        ...add('accepted', 'track', volume),
        ...add('accepted', place === 1 ? 'screen' : 'page', Math.round(volume * (place === 2 ? 0 : 0.45))),
        ...add('accepted', 'identify', Math.round(volume * (place === 0 ? 0 : 0.12))),
        ...(place === 0 && hoursAgo % 5 === 0 ? add('refused', 'origin_not_allowed', 7) : []),
        ...(place === 0 && hoursAgo % 9 === 0 ? add('refused', 'event_type_not_allowed', 3) : []),
        ...(place === 0 && hoursAgo === 3 ? add('refused', 'rate_limited', 18) : []),
      ]
    }).flat(),
  )
  await store.usage?.add({
    writer: 'seed',
    number: 1,
    madeAt: now,
    counts,
    lastEventAt: new Map([
      [backend.writeKey.id, now - 2_000],
      [test.writeKey.id, now - 5 * 3_600_000],
      [old.writeKey.id, now - 40 * 86_400_000],
    ]),
    lastUsedAt: new Map(),
  })

  const origin = { origin: 'https://app.example.com' }
  await send(web.key, '/v1/track', { event: 'Signed Up', userId: 'u1' }, origin)
  await send(web.key, '/v1/page', { name: 'Pricing' }, origin)
  await send(web.key, '/v1/identify', { userId: 'u1' }, origin)
  for (let count = 0; count < 12; count++) {
    await send(web.key, '/v1/track', { event: 'Signed Up' }, { origin: 'https://copycat.example' })
  }
  await send(ios.key, '/v1/batch', {
    batch: [
      { type: 'screen', name: 'Home' },
      { type: 'track', event: 'Tapped' },
    ],
  })
  await send(backend.key, '/v1/track', { event: 'billing/invoice.paid' })
  await send(backend.key, '/v1/track', { event: 'refund' })
  await send(backend.key, '/v1/track', { event: 'billing/x' }, { origin: 'https://admin.example.com' })
  await send(old.key, '/v1/track', { event: 'Visited' })
  await send('sk_live_mistyped', '/v1/track', { event: 'Visited' })
  await send(web.key, '/v1/page', { name: 'Docs' }, origin)
  return { web, ios, backend, old, test }
}
