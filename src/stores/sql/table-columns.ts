import type { KeyField, KeyFields } from '../../keys/fields.ts'
import type { SnakeCase } from '../../runtime/letter-case.ts'
import type { Sighting } from '../fleet-store.ts'
import type { UsageCount } from '../usage-store.ts'
import type { FractionCell, HashCell, NumberCell, TextCell } from './cells.ts'

/** What a driver returns for a field, by its kind. */
interface KindCells {
  text: TextCell
  word: string
  number: FractionCell
  whole: NumberCell
  moment: NumberCell
  list: TextCell
  json: TextCell
  rules: TextCell
}

type CellOf<Field extends KeyField> =
  | KindCells[Field['kind']]
  | (Field extends { nullable: true } ? null : never)

/** The columns that hold the fields of a key. */
export type KeyColumns = { [Name in keyof KeyFields as SnakeCase<Name>]: CellOf<KeyFields[Name]> }

/**
 * The tables of this code's version, with what drivers return for their columns. Rows of statements are typed
 * by it. The migrations say how the tables are made.
 */
export interface SchemaTables {
  keys: KeyColumns & {
    /** In lower case, for searching. */
    name_folded: TextCell
    /** The version of the key at which `paused_by` was written; older code changes keys without either. */
    paused_by_version: NumberCell | null
  }
  secrets: {
    id: string
    key_id: string
    key_hash: HashCell
    start_chars: string
    position: NumberCell
    created_at: NumberCell
    expires_at: NumberCell | null
    last_used_at: NumberCell | null
    imported: NumberCell
  }
  usage: {
    key_id: string
    bucket_at: NumberCell
    kind: UsageCount['kind']
    name: string
    total: NumberCell
  }
  usage_writers: {
    writer: string
    batch: NumberCell
    last_at: NumberCell
  }
  activity: {
    key_id: string
    last_event_at: NumberCell
  }
  audit: {
    id: string
    at: NumberCell
    action: string
    actor: TextCell | null
    address: TextCell | null
    key_id: string | null
    workspace: string | null
    fields_before: TextCell | null
    fields_after: TextCell | null
  }
  changes: {
    revision: NumberCell
    key_id: string
    mark: string
  }
  meta: {
    id: NumberCell
    schema_version: NumberCell
    compatible_version: NumberCell
    revision: NumberCell
    mark: string
    pruned_revision: NumberCell
    lease_ms: NumberCell
    longest_lease_ms: NumberCell
    lease_mark: string
    /** Fingerprints, separated by spaces. */
    peppers: string
    watched_until: NumberCell
  }
  sightings: {
    id: string
    kind: Sighting['kind']
    name: string
    /** Empty: the key is not known. */
    key_id: string
    /** Empty: no particular sender. */
    sender: string
    /** ASCII. */
    about: TextCell
    total: NumberCell
    first_at: NumberCell
    last_at: NumberCell
    /** The start of the hour that `hour_total` counts. */
    hour_at: NumberCell
    hour_total: NumberCell
    hour_before_total: NumberCell
  }
  decision_pages: {
    process: string
    slot: NumberCell
    page: NumberCell
    put_at: NumberCell
    /** ASCII. */
    body: TextCell
  }
  notices: {
    id: string
    claimed_at: NumberCell
  }
  ended_secrets: {
    key_hash: HashCell
    ended_at: NumberCell
  }
}

/** Some columns of a table. */
export type Row<Table extends keyof SchemaTables, Column extends keyof SchemaTables[Table]> = Pick<
  SchemaTables[Table],
  Column
>

/** A whole row to be written, as a driver takes it. */
export type NewRow<Table extends keyof SchemaTables> = Readonly<Record<keyof SchemaTables[Table], unknown>>
