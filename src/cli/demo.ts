import type { CreateKeyInput, KeyStore, WriteKeys } from '../index.ts'
import { inBackground } from '../runtime/timers.ts'
import { type UsageCount, usageBucketMs } from '../stores/usage-store.ts'
import type { Reason } from '../verifier/reasons.ts'

interface Source {
  input: CreateKeyInput
  /** Events an hour, by day. */
  volume: number
  /** Refusals an hour, of one reason. */
  refused?: { reason: Reason; volume: number }
  types: readonly string[]
  names: readonly string[]
  origin?: string
}

const site = 'https://app.example.com'
const sources: readonly Source[] = [
  {
    input: {
      name: 'Web App',
      sourceType: 'web',
      workspace: 'acme',
      rateLimitEps: 500,
      allowedEventTypes: ['track', 'page'],
      allowedOrigins: [site],
    },
    volume: 900,
    types: ['track', 'page'],
    names: ['Signed Up', 'Product Viewed', 'Order Completed'],
    origin: site,
    refused: { reason: 'origin_not_allowed', volume: 9 },
  },
  {
    input: { name: 'iOS App', sourceType: 'mobile', workspace: 'acme', rateLimitEps: 250 },
    volume: 400,
    types: ['track', 'screen', 'identify'],
    names: ['Tapped', 'Opened'],
  },
  {
    input: {
      name: 'Billing backend',
      sourceType: 'server',
      workspace: 'initech',
      rateLimitEps: 5_000,
      allowedEventNames: ['billing/*'],
    },
    volume: 1_600,
    types: ['track'],
    names: ['billing/invoice.paid', 'billing/refunded'],
    refused: { reason: 'event_name_not_allowed', volume: 2 },
  },
  {
    input: {
      name: 'Web App',
      sourceType: 'web',
      workspace: 'globex',
      rateLimitEps: 50,
      allowedEventTypes: ['track'],
    },
    volume: 60,
    types: ['track'],
    names: ['Clicked'],
    refused: { reason: 'event_type_not_allowed', volume: 12 },
  },
]

const hourMs = 3_600_000
const historyHours = 30 * 24

/**
 * Keys of three invented customers, a month of their traffic, and more of it each second, some of it refused,
 * until it is stopped.
 */
export async function startDemo(keys: WriteKeys, store: KeyStore): Promise<() => void> {
  const actor = { actor: { name: 'demo' } }
  const made: { source: Source; id: string; key: string }[] = []
  for (const source of sources) {
    const { key, writeKey } = await keys.create(source.input, actor)
    made.push({ source, id: writeKey.id, key })
  }
  const old = await keys.create(
    { name: 'Landing page (2024)', sourceType: 'web', workspace: 'globex' },
    actor,
  )
  await keys.revoke(old.writeKey.id, actor)
  await keys.rotate(made[1]?.id as string, { gracePeriodHours: 20, ...actor })
  const now = Date.now()
  await store.usage?.add({
    writer: 'demo',
    number: 1,
    madeAt: now,
    counts: made.flatMap(({ source, id }) => historyOf(source, id, now)),
    lastEventAt: new Map(made.map(({ id }) => [id, now - 60_000])),
    lastUsedAt: new Map(),
  })

  let turn = 0
  const send = (key: string, type: string, event: string, origin?: string) =>
    keys.verify({
      method: 'POST',
      path: `/v1/${type}`,
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, ...(origin !== undefined && { origin }) },
      body: { event, userId: `u${turn % 40}` },
      ip: `203.0.113.${turn % 9}`,
    })
  const timer = inBackground(
    setInterval(() => {
      turn++
      const { source, key } = made[turn % made.length] as (typeof made)[number]
      const type = source.types[turn % source.types.length] as string
      void send(key, type, source.names[turn % source.names.length] as string, source.origin)
      if (turn % 5 === 0) void send(made[0]?.key as string, 'track', 'Signed Up', 'https://copycat.example')
      if (turn % 11 === 0) void send(made[2]?.key as string, 'track', 'debug')
      if (turn % 7 === 0) void send(made[3]?.key as string, 'page', 'Visited')
      if (turn % 17 === 0) void send(old.key, 'page', 'Visited', site)
    }, 700),
  )
  return () => clearInterval(timer)
}

function historyOf({ volume, types, refused }: Source, keyId: string, now: number): UsageCount[] {
  return Array.from({ length: historyHours }, (_, hoursAgo) => {
    const at = now - hoursAgo * hourMs
    const bucketAt = at - (at % usageBucketMs)
    const daytime = 1.2 + Math.sin(((new Date(at).getUTCHours() - 6) / 24) * 2 * Math.PI)
    const jitter = 0.75 + (((hoursAgo * 7_919 + volume * 104_729) % 97) / 97) * 0.5
    const accepted = types.map((name, place) => ({
      keyId,
      bucketAt,
      kind: 'accepted' as const,
      name,
      count: Math.round((volume * daytime * jitter) / (place + 1)),
    }))
    if (refused === undefined) return accepted
    const count = Math.round(refused.volume * daytime * jitter)
    return [...accepted, { keyId, bucketAt, kind: 'refused' as const, name: refused.reason, count }]
  }).flat()
}
