import type { Migration } from './migration.ts'

/** The first version whose code knows paused keys: earlier code would accept them. */
export const pauseVersion = 4

/**
 * Workspaces, plans, rates per sender, rules on trial. Nullable columns without a default are added without
 * reading existing rows. Earlier code, from version 2 on, neither reads nor writes them, so it may keep
 * verifying beside this.
 */
export const version4: Migration = {
  version: 4,
  compatibleFrom: 2,
  async up({ types, addColumn, createIndex }) {
    const { word, text, fraction } = types
    await addColumn('keys', 'workspace', word(100))
    await addColumn('keys', 'plan', word(80))
    await addColumn('keys', 'sender_rate_limit_eps', fraction)
    await addColumn('keys', 'trial', text)
    await addColumn('audit', 'workspace', word(100))
    await createIndex('keys', { name: 'workspace', columns: 'workspace, created_at, id' })
    await createIndex('audit', { name: 'workspace', columns: 'workspace, at, id' })
  },
}
