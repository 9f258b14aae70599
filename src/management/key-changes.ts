import {
  type Actor,
  type AuditAction,
  type AuditEntry,
  changedFields,
  toActorText,
} from '../keys/audit-entry.ts'
import { keyIdPattern, toId } from '../keys/ids.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import { isWellFormedSecret } from '../keys/secret.ts'
import { randomBase62 } from '../runtime/base62.ts'
import type { Clock } from '../runtime/clock.ts'
import { KeyError } from '../runtime/errors.ts'
import type { CommittedChange, KeyStore } from '../stores/key-store.ts'
import type { Announcements } from './announcements.ts'
import { keyNotFound } from './endings.ts'
import { versionConflict } from './expected-version.ts'

/** Who asks for a change; noted in the audit log. */
export interface ChangeOptions {
  actor?: Actor | undefined
}

/** Who asks for a change of one key, and which version of it they have seen. */
export interface KeyChangeOptions extends ChangeOptions {
  /** Refuse with `conflict`, reason `version`, unless the key still has this version. */
  version?: number | undefined
}

/** The parts of every change of a key. */
export interface KeyChanges {
  /** @throws KeyError `not_found` */
  load(id: unknown): Promise<KeyRecord>
  /** The audit entry of a change. @param before null when the key is made. @param after null when it goes. */
  entry(
    action: AuditAction,
    change: ChangeOptions,
    before: KeyRecord | null,
    after: KeyRecord | null,
  ): AuditEntry
  /**
   * Writes the next version of a record and announces it.
   * @throws KeyError `conflict` when somebody else was faster.
   */
  replace(
    action: AuditAction,
    change: ChangeOptions,
    before: KeyRecord,
    after: KeyRecord,
  ): Promise<CommittedChange>
}

export function createKeyChanges({
  store,
  clock,
  announcements,
}: {
  store: KeyStore
  clock: Clock
  announcements: Announcements
}): KeyChanges {
  const newAuditId = createAuditIds()

  function entry(
    action: AuditAction,
    change: ChangeOptions,
    before: KeyRecord | null,
    after: KeyRecord | null,
  ): AuditEntry {
    const workspace = (after ?? before)?.workspace ?? null
    const at = clock.now()
    return {
      id: newAuditId(at),
      at,
      action,
      actor: toActorText(change.actor?.name),
      address: toActorText(change.actor?.address),
      keyId: (after ?? before)?.id ?? null,
      ...(workspace !== null && { workspace }),
      ...changedFields(before, after),
    }
  }

  async function lostRace(id: string): Promise<KeyError> {
    return (await store.get(id)) === undefined ? keyNotFound() : versionConflict()
  }

  return {
    entry,
    async load(id) {
      const record = await store.get(asKeyId(id))
      if (record === undefined) throw keyNotFound()
      return record
    },
    async replace(action, change, before, after) {
      const committed = await store.replace(after, entry(action, change, before, after))
      if (committed === undefined) throw await lostRace(before.id)
      announcements.changed(before.id)
      return committed
    },
  }
}

/**
 * Ids of entries. Within one process and millisecond, later ids are greater, because the log is read in the
 * order of time and id.
 */
function createAuditIds(): (at: number) => string {
  let last = { at: Number.NaN, start: '', count: 0 }
  return function newAuditId(at) {
    const isNew = at !== last.at || last.count === 9_999
    last = isNew ? { at, start: randomBase62(12), count: 0 } : { ...last, count: last.count + 1 }
    // Digits, because some databases sort letters by language.
    return toId('audit', last.start + String(last.count).padStart(4, '0'))
  }
}

export function isKeyId(id: unknown): id is string {
  return typeof id === 'string' && keyIdPattern.test(id)
}

/**
 * Checked before any query: drivers expand objects and arrays, and a prefix search must not become a scan.
 */
export function asKeyId(id: unknown): string {
  if (id === undefined)
    throw new KeyError(
      'not_found',
      'No id was given: that of a key is `writeKey.id` of what `create` returns.',
    )
  if (typeof id === 'string' && isWellFormedSecret(id))
    throw new KeyError(
      'not_found',
      'This is a secret and no id: keys.find(secret) tells the key, and so its id.',
    )
  if (!isKeyId(id)) throw keyNotFound()
  return id
}
