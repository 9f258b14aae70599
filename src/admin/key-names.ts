import { z } from 'zod'
import type { WriteKey } from '../keys/key-record.ts'
import type { WriteKeys } from '../write-keys-interface.ts'

/** The fields that tell keys with the same name apart. */
export const keyNameSchema = z
  .object({
    name: z.string(),
    environment: z.string(),
    workspace: z.string().nullable(),
    source_type: z.string(),
    start: z.string().nullable().describe('The first characters of its current secret.'),
  })
  .describe('The key beside its id; null when there is none any more.')

export type KeyName = z.output<typeof keyNameSchema>

/** Looks up the names of keys, for lists that hold only their ids. */
export interface KeyNames {
  /** Keys that are gone are missing. */
  of(ids: Iterable<string | null>): Promise<ReadonlyMap<string, KeyName>>
}

const keptMs = 10_000
const maxKept = 2_000
const atOnce = 8

export function createKeyNames(keys: Pick<WriteKeys, 'get'>, now: () => number): KeyNames {
  const kept = new Map<string, { at: number; name: KeyName | undefined }>()

  async function find(id: string): Promise<KeyName | undefined> {
    const known = kept.get(id)
    if (known !== undefined && now() - known.at < keptMs && known.at <= now()) return known.name
    const name = toKeyName(await keys.get(id).catch(() => undefined))
    kept.delete(id)
    kept.set(id, { at: now(), name })
    if (kept.size > maxKept) kept.delete(kept.keys().next().value as string)
    return name
  }

  return {
    async of(ids) {
      const found = new Map<string, KeyName>()
      const wanted = [...new Set(ids)].filter((id) => id !== null)
      for (let start = 0; start < wanted.length; start += atOnce) {
        const some = wanted.slice(start, start + atOnce)
        for (const [index, name] of (await Promise.all(some.map(find))).entries()) {
          if (name !== undefined) found.set(some[index] as string, name)
        }
      }
      return found
    },
  }
}

function toKeyName(key: WriteKey | undefined): KeyName | undefined {
  if (key === undefined) return undefined
  return {
    name: key.name,
    environment: key.environment,
    workspace: key.workspace,
    source_type: key.sourceType,
    start: key.secrets.at(-1)?.start ?? null,
  }
}
