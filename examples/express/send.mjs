import { Analytics } from '@segment/analytics-node'

const { WRITE_KEY = '', PORT = '3000' } = process.env
const analytics = new Analytics({ writeKey: WRITE_KEY, host: `http://localhost:${PORT}` })
analytics.on('error', ({ code, reason }) => console.error('not delivered:', code, reason))
analytics.on('http_request', ({ url, body }) =>
  console.log(`${url}: ${JSON.parse(body).batch.length} events`),
)

analytics.identify({ userId: '42', traits: { plan: 'pro' } })
analytics.track({ userId: '42', event: 'Signed Up' })
analytics.page({ userId: '42', name: 'Pricing' })
await analytics.closeAndFlush()
