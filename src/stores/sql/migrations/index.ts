import type { Migration } from './migration.ts'
import { version1 } from './version-1.ts'
import { version2 } from './version-2.ts'
import { version4 } from './version-4.ts'
import { version5 } from './version-5.ts'
import { version8 } from './version-8.ts'
import { version9 } from './version-9.ts'

/**
 * In order. A released step is never altered. A new step that only adds a column is written here; others get
 * files of their own.
 */
export const migrations: readonly Migration[] = [
  version1,
  version2,
  {
    version: 3,
    compatibleFrom: 2,
    up: ({ addColumn, types }) => addColumn('secrets', 'imported', `${types.whole} not null default 0`),
  },
  version4,
  version5,
  {
    version: 6,
    compatibleFrom: 2,
    up: ({ addColumn, types }) => addColumn('meta', 'peppers', `${types.word(200)} not null default ''`),
  },
  {
    version: 7,
    compatibleFrom: 2,
    up: ({ createTable, types: { word, whole } }) =>
      createTable(
        'notices',
        [`id ${word(80)} not null primary key`, `claimed_at ${whole} not null`],
        [{ name: 'claimed', columns: 'claimed_at' }],
      ),
  },
  version8,
  version9,
]

/** The version of the tables that this code reads and writes. */
export const schemaVersion = migrations.length
