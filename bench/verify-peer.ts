import type { IngestRequest, WriteKeys } from '../src/index.ts'
import { ratioOf, spreadOf, timeInTurn } from './measurement.ts'
import { assertSame, report } from './report.ts'

/** What `peers/better-auth.mjs` gives: it lies in a folder with packages of its own, which the types here cannot know. */
interface ApiKeyPeer {
  key: string
  isValid(key: string): Promise<boolean>
}

const name = 'verify, every rule / verifyApiKey of @better-auth/api-key'

/** Against a library that verifies API keys: hash, record, expiry and rate, without rules, batches or HTTP. */
export async function againstApiKeyLibrary(keys: WriteKeys, request: IngestRequest): Promise<void> {
  const peer = await createPeer().catch(() => undefined)
  if (peer === undefined) {
    report({ name, note: 'not measured: the packages of bench/peers are not installed' })
    return
  }
  const accepted = await keys.verify(request)
  assertSame('both accept their key', [accepted.ok, await peer.isValid(peer.key)], [true, true])
  const refused = await keys.verify({ ...request, headers: { authorization: 'Basic eDo=' } })
  assertSame('both refuse another key', [refused.ok, await peer.isValid('x')], [false, false])
  const times = await timeInTurn(
    {
      async verify(count) {
        for (let index = 0; index < count; index++) await keys.verify(request)
      },
      async peer(count) {
        for (let index = 0; index < count; index++) await peer.isValid(peer.key)
      },
    },
    31,
  )
  report({
    name,
    value: ratioOf(times.verify, times.peer),
    note: `${microseconds(times.verify)} against ${microseconds(times.peer)}, its keys in a Map`,
  })
}

async function createPeer(): Promise<ApiKeyPeer> {
  const { createApiKeyPeer } = await import(new URL('../peers/better-auth.mjs', import.meta.url).href)
  return createApiKeyPeer()
}

function microseconds(times: readonly number[]): string {
  return `${(spreadOf(times).median / 1_000).toFixed(1)} µs`
}
