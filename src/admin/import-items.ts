import { z } from 'zod'
import { importColumns } from '../keys/import-columns.ts'
import { type ImportKeyInput, maxImported } from '../management/import-keys.ts'
import { atPlaces, type ImportResult } from '../management/import-results.ts'
import { toSnakeCase } from '../runtime/letter-case.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import { withSnakeCaseFields } from './field-names.ts'
import { createKeySchema, keySchema, toKeyInput, toKeyJson } from './key-schema.ts'
import { plainIssue } from './plain-issue.ts'

export const importKeySchema = z.strictObject({
  ...createKeySchema.shape,
  key: z
    .string()
    .optional()
    .describe('The secret that senders have: 16 to 256 visible ASCII characters without a colon.'),
  key_hash: z
    .string()
    .optional()
    .describe(
      'In place of key: its SHA-256 in 64 hex digits. Of no use with a pepper, unless its list ends with null.',
    ),
})

const { $schema: _, ...importKeyJsonSchema } = z.toJSONSchema(importKeySchema, { io: 'input' })

/**
 * Each key is validated alone, so that a bad one harms no other; the description shows it as if it were
 * validated here.
 */
export const importSchema = z.strictObject({
  write_keys: z.array(z.unknown().meta(importKeyJsonSchema)).max(maxImported),
  dry_run: z.boolean().optional().describe('Check everything and store nothing.'),
  planned: z
    .record(z.string(), z.int().min(0))
    .optional()
    .describe(
      'For a dry run in several calls: how many keys the earlier calls would have made in each workspace. They take room there.',
    ),
})

const madeSchema = z.object({
  ok: z.literal(true),
  write_key: keySchema,
  note: z.string().optional().describe('What could not be checked.'),
})
const refusedSchema = z.object({
  ok: z.literal(false),
  code: z
    .enum(['invalid_field', 'conflict', 'secret_ended', 'secret_taken', 'workspace_full'])
    .describe(
      'conflict: a write key has this secret already, or an earlier one of this import has it. secret_ended: it was deleted or rotated out, and nothing brings it back. secret_taken, for callers of one workspace: it exists elsewhere, or has ended. workspace_full: the workspace holds as many keys as it may.',
    ),
  field: z.string(),
  message: z.string(),
  repeat_of: z
    .number()
    .int()
    .optional()
    .describe(
      'Of a secret that this import has twice, if the first of the two was imported or refused for something else than its secret: the index of the first.',
    ),
})
export const importResultSchema = z.union([madeSchema, refusedSchema])

export type ImportResultJson = z.output<typeof importResultSchema>

/**
 * Imports keys in the spelling of JSON: those of `POST …/import`, or of a file. Each has its own result, in
 * order.
 */
export async function importItems(
  keys: Pick<WriteKeys, 'import'>,
  items: readonly unknown[],
  options: Parameters<WriteKeys['import']>[1],
): Promise<ImportResultJson[]> {
  const read = items.map(readItem)
  const inputs = read.flatMap(({ input }) => (input === undefined ? [] : [input]))
  const places = read.flatMap(({ input }, index) => (input === undefined ? [] : [index]))
  const { results } = await keys.import(inputs, options)
  const next = results.values()
  return read.map(
    ({ refused }) => refused ?? toResultJson(atPlaces(places, next.next().value as ImportResult)),
  )
}

/** Other unknown names are not repeated: they may be secrets, which have 16 characters at least. */
const safeName = /^[A-Za-z_]{1,15}$/

function readItem(item: unknown): { input?: ImportKeyInput; refused?: ImportResultJson } {
  const { data, error } = importKeySchema.safeParse(item, { error: plainIssue })
  if (data !== undefined) return { input: toKeyInput<ImportKeyInput>(data) }
  const [issue] = error.issues
  if (issue === undefined || issue.code === 'unrecognized_keys') {
    const within = issue?.path[0] === 'trial' ? 'trial.' : ''
    const name = issue?.keys.find((key) => safeName.test(key)) ?? issue?.keys[0] ?? ''
    const fix = `it takes ${Object.keys(importColumns).join(', ')}`
    if (within !== '')
      return refusal(
        safeName.test(name) ? within + name : 'trial',
        'is none of the rules that can be on trial',
      )
    if (safeName.test(name)) return refusal(name, `is not a field of an import; ${fix}`)
    const place = Object.keys(item as object).indexOf(name) + 1
    return refusal('input', `has a field that an import does not take, number ${place} in order; ${fix}`)
  }
  const [field = 'input'] = issue.path
  return refusal(String(field), issue.message)
}

function refusal(field: string, problem: string): { refused: ImportResultJson } {
  return { refused: { ok: false, code: 'invalid_field', field, message: `${field} ${problem}` } }
}

function toResultJson(result: ImportResult): ImportResultJson {
  if (!result.ok) {
    const { code, field, message, repeatOf } = result
    return {
      ok: false,
      code,
      field: toSnakeCase(field),
      message: withSnakeCaseFields(message),
      ...(repeatOf !== undefined && { repeat_of: repeatOf }),
    }
  }
  const { writeKey, note } = result
  return { ok: true, write_key: toKeyJson(writeKey), ...(note !== undefined && { note }) }
}
