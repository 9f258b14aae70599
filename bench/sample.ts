import type { CreateKeyInput, IngestRequest, WriteKeys } from '../src/index.ts'

/** A key with every kind of rule, and a rate that the load never reaches. */
export const ruledKey: CreateKeyInput = {
  name: 'Web App',
  sourceType: 'web',
  rateLimitEps: 1_000_000,
  allowedEventTypes: ['track', 'identify', 'page'],
  allowedEventNames: ['Order Completed', 'checkout/*'],
  deniedEventNames: ['internal/*'],
  allowedOrigins: ['https://app.example.com', 'https://*.example.net'],
  allowedIps: ['127.0.0.0/8', '::1', '203.0.113.0/24', '198.18.0.0/15'],
  deniedIps: ['203.0.113.66'],
}

/** A track call as analytics SDKs send them. */
export function trackEvent(): Record<string, unknown> {
  return {
    type: 'track',
    event: 'Order Completed',
    messageId: 'msg-0c1f7a52-6a0e-4a6c-9e1b-3c6f1f0a9d11',
    userId: 'user-1842',
    anonymousId: '5b1d2f6e-58f3-4d8c-9f0a-7a0f4c1e2b3d',
    timestamp: '2026-01-15T10:30:00.000Z',
    properties: {
      orderId: '50314b8e',
      revenue: 129.95,
      currency: 'EUR',
      products: [{ productId: 'p-17', sku: 'G-32', name: 'Lamp', price: 64.5, quantity: 2 }],
    },
    context: {
      locale: 'en-GB',
      page: { path: '/checkout/done', title: 'Thank you', url: 'https://app.example.com/checkout/done' },
      library: { name: 'analytics-sample', version: '1.0.0' },
    },
  }
}

export function basicCredential(secret: string): string {
  return `Basic ${Buffer.from(`${secret}:`).toString('base64')}`
}

/** A request as an adapter hands it over, its body parsed. */
export function sampleRequest(secret: string, body: unknown = trackEvent()): IngestRequest {
  return {
    method: 'POST',
    path: '/v1/track',
    headers: {
      host: 'events.example.com',
      authorization: basicCredential(secret),
      'content-type': 'application/json',
      'content-length': '640',
      'user-agent': 'sample/1.0',
      accept: '*/*',
      origin: 'https://app.example.com',
    },
    ip: '203.0.113.7',
    body,
  }
}

/** Different keys from different addresses on different paths, one event each. */
export async function senders(keys: WriteKeys, count: number): Promise<IngestRequest[]> {
  const requests: IngestRequest[] = []
  const event = trackEvent()
  for (let index = 0; index < count; index++) {
    const { key } = await keys.create(ruledKey)
    const request = sampleRequest(key, event)
    const path = `/tenants/${index.toString(36)}/v1/${index % 2 === 0 ? 'track' : 't'}`
    requests.push({ ...request, path, ip: `198.18.${index >> 8}.${index & 255}` })
  }
  return inRandomOrder(requests)
}

/** The same order in each run. */
function inRandomOrder<Item>(items: readonly Item[]): Item[] {
  const order = [...items]
  let state = 1
  for (let last = order.length - 1; last > 0; last--) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const other = state % (last + 1)
    ;[order[last], order[other]] = [order[other] as Item, order[last] as Item]
  }
  return order
}
