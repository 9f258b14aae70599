import type { AuditEntry } from '../keys/audit-entry.ts'
import { newKeyIdPattern } from '../keys/ids.ts'
import { type CreateKeyInput, parseScalarFields, readKeyFields } from '../keys/key-fields.ts'
import type { KeyRecord, WriteKey } from '../keys/key-record.ts'
import { createKey } from '../keys/lifecycle.ts'
import type { Clock } from '../runtime/clock.ts'
import { invalidField, KeyError } from '../runtime/errors.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { Announcements } from './announcements.ts'
import { creationEntryId, explainTaken } from './chosen-id.ts'
import type { ChangeOptions, KeyChanges } from './key-changes.ts'
import type { MakeSecret } from './new-secret.ts'
import type { ParseRules } from './parse-rules.ts'
import type { PresentKey } from './present-key.ts'
import { type WorkspaceRoom, workspaceFull } from './workspace-room.ts'

export interface CreatedKey {
  writeKey: WriteKey
  /** The secret. It is not stored and cannot be shown again. */
  key: string
}

export interface KeyCreation {
  create(input: CreateKeyInput, change?: ChangeOptions & { id?: string }): Promise<CreatedKey>
}

const insertAttempts = 3

export function createKeyCreation(parts: {
  store: KeyStore
  clock: Clock
  /** The environment of keys that name none. */
  environment: string
  changes: KeyChanges
  announcements: Announcements
  makeSecret: MakeSecret
  parseRules: ParseRules
  present: PresentKey
  room: WorkspaceRoom
}): KeyCreation {
  const { store, clock, changes, announcements, makeSecret, parseRules, present, room } = parts

  async function findCreation(keyId: string): Promise<AuditEntry | undefined> {
    let after: AuditEntry | undefined
    for (;;) {
      const page = await store.audit?.list({ keyId, limit: 100, ...(after !== undefined && { after }) })
      const found = page?.data.find(({ action }) => action === 'create')
      after = page?.data.at(-1)
      if (found !== undefined || after === undefined || !page?.more) return found
    }
  }

  /** A repeated call gets the key that it has made, even when there is no room for another one. */
  async function assertRoom(record: KeyRecord): Promise<void> {
    if ((await room.left(record.workspace)) > 0) return
    const [existing, creation] = await Promise.all([store.get(record.id), findCreation(record.id)])
    throw existing === undefined && creation === undefined
      ? workspaceFull()
      : explainTaken(record, existing, creation)
  }

  async function insert(record: KeyRecord, creation: AuditEntry): Promise<boolean> {
    return room.inTurn([record.workspace], async () => {
      await assertRoom(record)
      return (await store.insert(record, creation)) !== undefined
    })
  }

  /** A repeated call may come when the key that it made has expired: it gets as far as to be told of that key. */
  async function readScalars(input: Readonly<Record<string, unknown>>, now: number, id: string | undefined) {
    try {
      return parseScalarFields(input, 'create', now)
    } catch (error) {
      const isPast = error instanceof KeyError && error.field === 'expiresAt'
      if (id === undefined || !isPast || (await findCreation(id)) === undefined) throw error
      return parseScalarFields(input, 'create', Number.NEGATIVE_INFINITY)
    }
  }

  return {
    async create(input, change = {}) {
      const now = clock.now()
      const fields = readKeyFields(input, 'create')
      if (change.id !== undefined && !newKeyIdPattern.test(change.id))
        throw invalidField('id', 'must be wk_ and 16 base62 characters')
      const scalars = await readScalars(fields, now, change.id)
      const rules = await parseRules(fields)
      const environment = scalars.environment ?? parts.environment
      for (let attempt = 0; attempt < insertAttempts; attempt++) {
        const secret = await makeSecret(environment)
        const record = createKey({ ...scalars, ...rules }, environment, secret, now, change.id)
        const entry = changes.entry('create', change, null, record)
        const creation = change.id === undefined ? entry : { ...entry, id: creationEntryId(change.id) }
        if (await insert(record, creation)) {
          announcements.changed(record.id)
          return { writeKey: present(record), key: secret.secret }
        }
        if (change.id !== undefined) {
          throw explainTaken(record, await store.get(change.id), await findCreation(change.id))
        }
      }
      throw new KeyError('conflict', 'There is a key with this id already.', { reason: 'duplicate' })
    },
  }
}
