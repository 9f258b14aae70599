import { sql } from 'kysely'
import type { AuditEntry } from '../../keys/audit-entry.ts'
import type { KeyRecord } from '../../keys/key-record.ts'
import { invalidField, type KeyError } from '../../runtime/errors.ts'
import type { Database } from './database.ts'
import { lettersOf } from './key-rows.ts'

/**
 * Finds the field with the character that the database refused. The database does not say which, so each
 * field is tried alone, after the transaction. Undefined when it accepts every one of them.
 */
export async function nameUnstorable(
  { writer }: Database,
  record: KeyRecord | undefined,
  audit: AuditEntry,
): Promise<KeyError | undefined> {
  const texts: Record<string, string | null> = {
    ...(record !== undefined && lettersOf(record)),
    actor: audit.actor,
    address: audit.address,
  }
  for (const [field, text] of Object.entries(texts)) {
    if (text !== null && !isAscii(text) && !(await isAccepted(writer, text))) {
      return invalidField(
        field,
        'has a character that the database cannot hold; use others, or a database in UTF-8',
      )
    }
  }
  return undefined
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII but for NUL
  return /^[\x01-\x7f]*$/.test(text)
}

async function isAccepted(writer: Database['writer'], text: string): Promise<boolean> {
  try {
    await sql`select cast(${text} as char(1)) as first_character`.execute(writer)
    return true
  } catch {
    return false
  }
}
