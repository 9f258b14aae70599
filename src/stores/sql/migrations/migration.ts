import type { SchemaChange } from './schema-change.ts'

/** One step from a version of the tables to the next. */
export interface Migration {
  readonly version: number
  /**
   * The oldest version whose code may run on the tables after this step, and so the oldest release to roll
   * back to. Older code stops at its next question to the store.
   */
  readonly compatibleFrom: number
  /** Runs in a transaction, but not in MySQL, where part of it may have run before. */
  up(change: SchemaChange): Promise<void>
}
