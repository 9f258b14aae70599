import {
  type CreateKeyInput,
  createMemoryStore,
  createWriteKeys,
  type KeyStore,
  type WriteKeys,
} from '../src/index.ts'
import { sized } from './length.ts'
import { retainedBytes } from './measurement.ts'
import { assertSame, report } from './report.ts'
import { ruledKey, sampleRequest, trackEvent } from './sample.ts'

/** What a cached key takes, when all keys have the same lists and when each has lists of its own. */
export async function memoryPerKey(): Promise<void> {
  const perKey = {
    'every rule': await memoryOfKeys(() => ruledKey),
    'every rule, its own lists': await memoryOfKeys(ownRules),
  }
  for (const [rules, value] of Object.entries(perKey))
    report({ name: `memory per cached key, ${rules}`, value, unit: 'B', goal: { atMost: 1_024 } })
}

/** Without what the limiter holds of a sender, of which `flood` tells. */
async function memoryOfKeys(inputOf: (index: number) => CreateKeyInput): Promise<number> {
  const count = sized({ full: 20_000, short: 20_000, smoke: 100 })
  // Without usage counts, which are there for as long as they wait to be written.
  const { usage: _, ...memory } = createMemoryStore()
  const store: KeyStore = {
    ...memory,
    // Records of the memory store would be shared with the cache; a copy is what a database driver gives.
    poll: async (question) => structuredClone(await memory.poll(question)),
  }
  const openKeys = () => createWriteKeys({ store, cache: { maxKeys: count } })
  const creating = openKeys()
  const secrets: string[] = []
  for (let index = 0; index < count; index++)
    secrets.push((await creating.create({ ...inputOf(index), rateLimitEps: null })).key)
  await creating.close()

  const acceptAll = async (): Promise<WriteKeys> => {
    const many = openKeys()
    for (const [index, secret] of secrets.entries()) {
      const { allowedOrigins, allowedEventNames } = inputOf(index)
      const asked = sampleRequest(secret, { ...trackEvent(), event: allowedEventNames?.[0] })
      const headers = { ...asked.headers, origin: allowedOrigins?.[0] }
      const verdict = await many.verify({ ...asked, headers })
      assertSame('a key that is to be cached accepts', verdict.ok, true)
    }
    return many
  }
  // Once for what only the first time leaves behind: code, and texts of the store in their final form.
  const first = await acceptAll()
  await first.close()
  let many: WriteKeys | undefined
  const bytes = await retainedBytes(async () => {
    many = await acceptAll()
    return many
  })
  await many?.close()
  return bytes / count
}

/** Lists as long as those of `ruledKey`, of texts that no other key has. */
function ownRules(index: number): CreateKeyInput {
  const own = String(index).padStart(5, '0')
  return {
    ...ruledKey,
    name: `App ${own}`,
    allowedEventNames: [`Order ${own} Sent`, `chk-${own}/*`],
    deniedEventNames: [`int-${own}/*`],
    allowedOrigins: [`https://app-${own}.example.com`, `https://*.shop-${own}.example.net`],
    allowedIps: [`10.${index >> 8}.${index & 255}.0/24`, `2001:db8::${index.toString(16)}`, '203.0.113.0/26'],
    deniedIps: [`192.0.${index >> 8}.${index & 255}`],
  }
}
