import {
  createWriteKeys,
  type IngestRequest,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../src/index.ts'
import { basic } from '../src/testing/adapter/golden/golden-request.ts'
import { createManualClock } from './contract/limiter-contract.ts'

export const post = (secret: string, body: unknown = {}): IngestRequest => ({
  method: 'POST',
  path: '/v1/track',
  headers: { authorization: basic(secret) },
  ip: '198.51.100.1',
  body,
})

export function setUp(options: WriteKeysOptions = {}) {
  const clock = createManualClock()
  const events: WriteKeyEvent[] = []
  const keys = createWriteKeys({ clock, onEvent: (event) => events.push(event), ...options })
  const ask = async (secret: string, body?: unknown) => {
    const verdict = await keys.verify(post(secret, body))
    return verdict.ok ? 'accepted' : verdict.reason
  }
  return { clock, events, keys, ask }
}

export const web = { name: 'Web App', sourceType: 'web' as const }
