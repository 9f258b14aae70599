import { createMemoryStore } from '../../../index.ts'
import { generateSecret } from '../../../keys/secret.ts'
import { basic, type GoldenServer } from './golden-request.ts'

const unknownKeysAllowedAtOnce = 20

function createBrokenStore() {
  return {
    ...createMemoryStore(),
    poll(): never {
      throw new Error('the store is away')
    },
  }
}

/** The servers that golden requests name, freshly made for each run. */
export function createGoldenServers(): Record<string, GoldenServer> {
  return {
    standard: { options: {} },
    'basic challenge': { options: { challenge: 'basic' } },
    'custom challenge': { options: { challenge: 'custom' } },
    'all credentials': { options: { credentials: ['basic', 'header', 'query', 'body'] } },
    'own credentials': {
      options: { credentials: [({ headers }) => headers['x-own'] as string | undefined] },
    },
    'small limits': { options: { maxBodyBytes: 200, maxEvents: 3 } },
    'room for little': { options: { maxPendingBodyBytes: 50 } },
    'server keys denied': { options: { serverKeysInBrowsers: 'deny' } },
    'drops forbidden events': { options: { onForbiddenEvent: 'drop' } },
    'own event types': { options: { eventTypes: ['order'] } },
    'behind one proxy': { options: { trustedProxies: 1 } },
    'behind trusted ranges': { options: { trustedProxies: ['127.0.0.0/8', '192.0.2.0/24'] } },
    'default rate': { options: { defaultRateLimitEps: 3 } },
    'long burst': { options: { burstSeconds: 10 } },
    'store down': { options: { store: createBrokenStore() } },
    'limiter down': {
      options: {
        limiter: {
          consume: () => Promise.reject(new Error('the limiter is away')),
          close() {},
        },
      },
    },
    'flooded with wrong keys': {
      options: {},
      async prepare(keys) {
        for (let count = 0; count < unknownKeysAllowedAtOnce; count++) {
          const authorization = basic(generateSecret('sk_live_'))
          await keys.verify({
            method: 'POST',
            path: '/v1/track',
            headers: { authorization },
            ip: '127.0.0.1',
          })
        }
      },
    },
  }
}
