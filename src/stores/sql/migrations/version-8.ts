import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Whose pause it is. Earlier code changes a key without these columns, so what they say counts only while
 * `paused_by_version` is the key's version: after a change by earlier code it is unknown. Earlier code noted
 * the workspace in the audit log alone.
 */
export const version8: Migration = {
  version: 8,
  compatibleFrom: 2,
  async up({ types, table, addColumn, write }) {
    await addColumn('keys', 'paused_by', types.word(20))
    await addColumn('keys', 'paused_by_version', types.whole)
    const audit = table('audit')
    await write(
      sql`update ${table('keys')} as k set paused_by = 'workspace', paused_by_version = k.version
        where k.status = 'paused' and k.paused_by_version is null and exists (
          select 1 from ${audit} a where a.key_id = k.id and a.action = 'pause'
            and a.fields_after like '%"byWorkspace":%' and not exists (
              select 1 from ${audit} b where b.key_id = k.id and b.action = 'pause'
                and (b.at > a.at or (b.at = a.at and b.id > a.id))))`,
    )
  },
}
