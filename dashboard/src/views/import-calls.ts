import { createImportPlan } from '../../../src/keys/import-plan.ts'
import { createRepeatSearch, repeatNote } from '../../../src/keys/import-repeats.ts'
import type { ImportEntry } from '../../../src/keys/import-text.ts'
import type { Api } from '../api/client.ts'
import type { ImportResult } from '../api/wire.ts'

/** What came of one line. */
export interface Outcome {
  line: number
  /**
   * `there`: a write key has the secret already, perhaps from an attempt whose answer got lost. `repeat`: an earlier line has
   * it.
   */
  kind: 'good' | 'there' | 'repeat' | 'bad'
  text: string
}

type ReadLine = Extract<ImportEntry, { item: unknown }>

const keysPerCall = 1_000

/** Checks or imports the lines of a file in as many calls as it takes, and yields what came of each call. */
export async function* importAll(
  api: Api,
  entries: readonly ImportEntry[],
  isCheck: boolean,
): AsyncGenerator<Outcome[]> {
  const findRepeat = createRepeatSearch(await digestSecrets(entries))
  const plan = createImportPlan()

  function toOutcome(entry: ReadLine, result: ImportResult | undefined, sent: readonly ReadLine[]): Outcome {
    const { line } = entry
    if (result === undefined) return { line, kind: 'bad', text: 'was not answered' }
    const repeated = findRepeat(entry, result)
    if (repeated !== undefined) return { line, kind: 'repeat', text: `has the secret of line ${repeated}.` }
    if (result.ok) {
      plan.add(result)
      return { line, kind: 'good', text: result.note ?? '' }
    }
    const first = result.repeat_of === undefined ? undefined : sent[result.repeat_of]?.line
    if (result.code !== 'conflict') return { line, kind: 'bad', text: result.message + repeatNote(first) }
    if (first !== undefined) return { line, kind: 'repeat', text: `has the secret of line ${first}.` }
    return { line, kind: 'there', text: result.message }
  }

  for (let from = 0; from < entries.length; from += keysPerCall) {
    const some = entries.slice(from, from + keysPerCall)
    const sent = some.filter((entry) => 'item' in entry)
    const { results } = await api.importKeys({
      write_keys: sent.map(({ item }) => item),
      ...(isCheck && plan.toBody()),
    })
    const next = results.values()
    yield some.map((entry) =>
      'problem' in entry
        ? { line: entry.line, kind: 'bad', text: entry.problem }
        : toOutcome(entry, next.next().value, sent),
    )
  }
}

/**
 * The SHA-256 of each secret, so that a secret and its hash are found to be the same. Browsers have none on pages over plain
 * HTTP from another machine: there, each is compared as it is written.
 */
async function digestSecrets(entries: readonly ImportEntry[]): Promise<(secret: string) => string> {
  const digests = new Map<string, string>()
  for (const entry of entries) {
    if (!('item' in entry) || !isSecureContext) continue
    const secret = String(entry.item.key)
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
    digests.set(
      secret,
      [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    )
  }
  return (secret) => digests.get(secret) ?? `key ${secret}`
}
