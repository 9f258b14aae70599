import type { Migration } from './migration.ts'

/** What processes tell each other about traffic. Older code does without. */
export const version5: Migration = {
  version: 5,
  compatibleFrom: 2,
  async up({ types, createTable, addColumn }) {
    const { word, text, whole } = types
    await createTable(
      'sightings',
      [
        `id ${word(16)} not null primary key`,
        `kind ${word(10)} not null`,
        `name ${word(40)} not null`,
        `key_id ${word(80)} not null`,
        `sender ${word(16)} not null`,
        `about ${text} not null`,
        `total ${whole} not null`,
        `first_at ${whole} not null`,
        `last_at ${whole} not null`,
        `hour_at ${whole} not null`,
        `hour_total ${whole} not null`,
        `hour_before_total ${whole} not null`,
      ],
      [
        { name: 'last', columns: 'last_at' },
        { name: 'key', columns: 'key_id' },
      ],
    )
    await createTable(
      'decision_pages',
      [
        `process ${word(16)} not null`,
        `slot ${whole} not null`,
        `page ${whole} not null`,
        `put_at ${whole} not null`,
        `body ${text} not null`,
        'primary key (process, slot)',
      ],
      [{ name: 'put', columns: 'put_at' }],
    )
    await addColumn('meta', 'watched_until', `${whole} not null default 0`)
  },
}
