import { keyCsvColumns } from '../../../src/admin/key-csv.ts'
import { csvLine } from '../../../src/keys/csv-line.ts'
import type { WriteKey } from '../api/wire.ts'

/** Keys as CSV, with the columns of `writekey list --csv`. */
export function toCsv(keys: readonly WriteKey[]): string {
  const columns = Object.values(keyCsvColumns)
  const rows = keys.map((key) => csvLine(columns.map((read) => read(key))))
  return [csvLine(Object.keys(keyCsvColumns)), ...rows].join('')
}
