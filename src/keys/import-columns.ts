import { toSnakeCase } from '../runtime/letter-case.ts'
import { keyFields, settableFields } from './fields.ts'
import type { ImportColumns } from './import-text.ts'

/** What a key of a file may have, in the spelling of the JSON API. */
export const importColumns: ImportColumns = {
  ...Object.fromEntries(settableFields('create').map((name) => [toSnakeCase(name), keyFields[name].kind])),
  key: 'word',
  key_hash: 'word',
}
