import { type ParsedSecret, parseImportedSecret, type SecretRules } from '../keys/imported-secret.ts'
import { parseScalarFields, readKeyFields } from '../keys/key-fields.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import { createKey } from '../keys/lifecycle.ts'
import { type ImportResult, toFailure } from './import-results.ts'
import type { ParseRules } from './parse-rules.ts'

/** An input that has passed every check that needs no store. */
export interface Candidate {
  readonly index: number
  readonly record: KeyRecord
  readonly secret: ParsedSecret
}

export interface CandidatesOptions {
  /** Of keys that name none. */
  environment: string
  keyPrefixFor: (environment: string) => string
  secretRules: SecretRules
  parseRules: ParseRules
}

/** An input with the secret of an earlier one. */
export interface Repeat extends Candidate {
  readonly first: Candidate
}

/** Reads the inputs of one import. Those at fault have a result at once. */
export type ReadCandidates = (
  inputs: readonly unknown[],
  results: ImportResult[],
  now: number,
) => Promise<{ candidates: Candidate[]; repeats: Repeat[] }>

export function createCandidates(options: CandidatesOptions): ReadCandidates {
  async function read(input: unknown, index: number, now: number): Promise<Candidate> {
    const { key, keyHash, ...fields } = readKeyFields(input, 'create', ['key', 'keyHash'])
    const scalars = parseScalarFields(fields, 'create', now)
    const rules = await options.parseRules(fields)
    const environment = scalars.environment ?? options.environment
    const prefixOfEnvironment = options.keyPrefixFor(environment)
    const secret = parseImportedSecret({ key, keyHash }, { ...options.secretRules, prefixOfEnvironment })
    const { keyHash: hash, start, imported } = secret
    const record = createKey({ ...scalars, ...rules }, environment, { keyHash: hash, start, imported }, now)
    return { index, record, secret }
  }

  return async (inputs, results, now) => {
    const candidates: Candidate[] = []
    const repeats: Repeat[] = []
    const seen = new Map<string, Candidate>()
    for (const [index, input] of inputs.entries()) {
      try {
        const candidate = await read(input, index, now)
        const { secret } = candidate
        // In the clear and as a plain hash, a secret may have another newest hash.
        const first = secret.hashes.map((hash) => seen.get(hash)).find((earlier) => earlier !== undefined)
        if (first !== undefined) repeats.push({ ...candidate, first })
        else candidates.push(candidate)
        for (const hash of secret.hashes) seen.set(hash, first ?? candidate)
      } catch (error) {
        results[index] = toFailure(error)
      }
    }
    return { candidates, repeats }
  }
}
