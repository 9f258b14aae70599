import { gzipSync } from 'node:zlib'

/** A request as an SDK that does not run on Node sends it. */
export interface SdkRequest {
  path: string
  headers: Readonly<Record<string, string>>
  body: Buffer
  /** Whether it is sent in chunks, its length unsaid. */
  isChunked?: boolean
}

const sentAt = '2026-11-20T08:15:30.123Z'

const event = (name: string, library: string, version: string) => ({
  type: 'track',
  event: name,
  messageId: `id of ${name}`,
  anonymousId: 'a1b2',
  userId: '42',
  timestamp: sentAt,
  properties: { total: 12.5, product: 'Büro & Co' },
  context: { library: { name: library, version } },
  integrations: {},
})

const basic = (key: string) => `Basic ${Buffer.from(`${key}:`).toString('base64')}`

/**
 * Segment's SDKs in their newest versions, built by hand from their sources: path, headers, where the key stands, how the body is written.
 * Each sends two events.
 */
export const segmentSdks: Readonly<Record<string, (key: string) => SdkRequest>> = {
  'Swift 1.10': (key) => {
    const lines = ['First', 'Second'].map((name) =>
      JSON.stringify({
        ...event(name, 'analytics-swift', '1.10.0'),
        _metadata: { bundled: [], unbundled: [] },
      }),
    )
    return {
      path: '/v1/b',
      headers: {
        accept: '*/*',
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'analytics-ios/1.10.0',
        'accept-encoding': 'gzip',
        'accept-language': 'en-GB,en;q=0.9',
      },
      body: Buffer.from(`{ "batch": [\n${lines.join('\n,')}\n],"sentAt":"${sentAt}","writeKey":"${key}"}\n`),
    }
  },
  'Kotlin 1.25': (key) => {
    const some = ['First', 'Second'].map((name) => JSON.stringify(event(name, 'analytics-kotlin', '1.25.0')))
    return {
      path: '/v1/b',
      headers: {
        'content-type': 'text/plain',
        'content-encoding': 'gzip',
        'user-agent': 'analytics-kotlin/1.25.0',
        'accept-encoding': 'gzip',
      },
      body: gzipSync(`{"batch":[${some.join(',')}],"sentAt":"${sentAt}","writeKey":"${key}"}`),
      isChunked: true,
    }
  },
  'C# 2.6': (key) => {
    const some = ['First', 'Second'].map((name) => JSON.stringify(event(name, 'Analytics-CSharp', '2.6.0')))
    return {
      path: '/v1/b',
      // No type of content at all.
      headers: {
        accept: 'text/plain',
        'content-encoding': 'gzip',
        connection: 'close',
        'x-retry-count': '1',
      },
      body: gzipSync(`{"batch":[${some.join(',')}],"sentAt":"${sentAt}","writeKey":"${key}"}`),
    }
  },
  'Python 2.3': (key) => ({
    path: '/v1/batch',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'analytics-python/2.3.5',
      authorization: basic(key),
      'accept-encoding': 'gzip, deflate',
      accept: '*/*',
      connection: 'keep-alive',
      'x-retry-count': '1',
    },
    body: Buffer.from(
      JSON.stringify({
        batch: ['First', 'Second'].map((name) => event(name, 'analytics-python', '2.3.5')),
        sentAt: '2026-11-20T08:15:30.123456+00:00',
        writeKey: key,
      }),
    ),
  }),
  'Python 2.3, gzip': (key) => ({
    path: '/v1/batch',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'analytics-python/2.3.5',
      authorization: basic(key),
      'content-encoding': 'gzip',
    },
    body: gzipSync(
      JSON.stringify({
        batch: ['First', 'Second'].map((name) => event(name, 'analytics-python', '2.3.5')),
        sentAt,
        writeKey: key,
      }),
    ),
  }),
  'Ruby 2.5': (key) => ({
    path: '/v1/import',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'user-agent': 'analytics-ruby/2.5.0',
      'accept-encoding': 'gzip;q=1.0,deflate;q=0.6,identity;q=0.3',
      authorization: basic(key),
    },
    body: Buffer.from(
      JSON.stringify({
        sentAt,
        batch: ['First', 'Second'].map((name) => event(name, 'analytics-ruby', '2.5.0')),
      }),
    ),
  }),
  'Go 3.3': (key) => ({
    path: '/v1/batch',
    headers: {
      'user-agent': 'analytics-go (version: 3.3.0)',
      'content-type': 'application/json',
      authorization: basic(key),
      'accept-encoding': 'gzip',
    },
    body: Buffer.from(
      JSON.stringify({
        messageId: 'id of the batch',
        sentAt,
        batch: ['First', 'Second'].map((name) => event(name, 'analytics-go', '3.3.0')),
        context: { library: { name: 'analytics-go', version: '3.3.0' } },
      }),
    ),
  }),
  'PHP 3.8, curl': (key) => ({
    path: '/v1/batch',
    headers: {
      authorization: basic(key),
      accept: '*/*',
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'user-agent': 'analytics-php/3.8.2',
    },
    body: gzipSync(
      JSON.stringify({
        batch: ['First', 'Second'].map((name) => event(name, 'analytics-php', '3.8.2')),
        sentAt: '2026-11-20T08:15:30+00:00',
      }),
    ),
  }),
  'PHP 3.8, socket': (key) => ({
    path: '/v1/batch',
    headers: {
      'content-type': 'application/json',
      authorization: basic(key),
      accept: 'application/json',
      'user-agent': 'analytics-php/3.8.2',
    },
    body: Buffer.from(
      JSON.stringify({
        batch: ['First', 'Second'].map((name) => event(name, 'analytics-php', '3.8.2')),
        sentAt: '2026-11-20T08:15:30+00:00',
      }),
    ),
  }),
}
