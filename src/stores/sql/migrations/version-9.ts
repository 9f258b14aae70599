import type { Migration } from './migration.ts'

/**
 * Which secrets have ended. Those of keys that are still there need no row: each gets one when it goes. What
 * went before leaves nothing to tell. Older code neither reads nor writes the table: a secret that it removes
 * leaves none here, and it imports what has ended. No trigger does it in its stead, because MySQL lets few
 * accounts make one.
 */
export const version9: Migration = {
  version: 9,
  compatibleFrom: 2,
  up: ({ createTable, types }) =>
    createTable('ended_secrets', [
      `key_hash ${types.hash} not null primary key`,
      `ended_at ${types.whole} not null`,
    ]),
}
