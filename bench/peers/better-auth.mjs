import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'

/**
 * One API key of `@better-auth/api-key` with a rate that is never reached, kept in a `Map`: the quickest of its storages.
 *
 * @returns {Promise<{ key: string, isValid(key: string): Promise<boolean> }>}
 */
export async function createApiKeyPeer() {
  const kept = new Map()
  const auth = betterAuth({
    baseURL: 'http://localhost',
    secret: 'only-for-the-benchmarks-of-writekey',
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], apikey: [] }),
    logger: { disabled: true },
    telemetry: { enabled: false },
    plugins: [
      apiKey({
        rateLimit: { enabled: true, timeWindow: 1_000, maxRequests: 1_000_000_000 },
        storage: 'secondary-storage',
        customStorage: {
          get: (name) => kept.get(name) ?? null,
          set: (name, value) => void kept.set(name, value),
          delete: (name) => void kept.delete(name),
        },
      }),
    ],
  })
  const { internalAdapter } = await auth.$context
  const { id } = await internalAdapter.createUser({ email: 'sender@example.com', name: 'Sender' })
  const { key } = await auth.api.createApiKey({ body: { userId: id, name: 'Web App' } })
  return {
    key,
    isValid: async (presented) => (await auth.api.verifyApiKey({ body: { key: presented } })).valid,
  }
}
