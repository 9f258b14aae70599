import { toSnakeCase } from '../runtime/letter-case.ts'
import { keyFields } from './fields.ts'
import type { ImportColumns } from './import-text.ts'
import { settableFields } from './settable-fields.ts'

/** The fields that a key in a file may have, under their names in the JSON API. */
export const importColumns: ImportColumns = {
  ...Object.fromEntries(settableFields('create').map((name) => [toSnakeCase(name), keyFields[name].kind])),
  key: 'word',
  key_hash: 'word',
}
