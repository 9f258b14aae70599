import type { KeyRecord } from './key-record.ts'

export type AuditAction =
  | 'create'
  | 'update'
  | 'rotate'
  | 'pause'
  | 'resume'
  | 'revoke'
  | 'remove'
  | 'end_grace'
  | 'refused'

/**
 * Who asks for a change, as far as the caller knows: name and address are for the audit log. It may be a user of the application: other
 * fields are not read. A name that looks like one of these which is missing is refused.
 */
export interface Actor {
  /** A name, never a credential: the admin token's name, a shell user. */
  name: string
  /** Network address of the caller. */
  address?: string | undefined
  /**
   * Set for callers who may only see and change one workspace. They end no pause but those of their workspace,
   * and an import does not tell them whether another workspace has a secret.
   */
  workspace?: string
}

/** One line of the audit log, written in the transaction of its change. Holds no secret and no hash. */
export interface AuditEntry {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly action: AuditAction
  readonly actor: string | null
  readonly address: string | null
  /** Null for a refused call that named no existing key. */
  readonly keyId: string | null
  /** The workspace of the key, or of the caller who was refused; absent = none. */
  readonly workspace?: string
  /** The changed fields before the change; null on create. */
  readonly before: Readonly<Record<string, unknown>> | null
  /** The changed fields after the change; null on remove. */
  readonly after: Readonly<Record<string, unknown>> | null
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const unprintable = /[\u0000-\u001f\u007f-\u009f\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const maxActorLength = 200

/**
 * The caller as it is stored. A name that a database cannot store must not block every change its bearer
 * makes.
 */
export function toActorText(text: string | undefined): string | null {
  if (text === undefined) return null
  return text.slice(0, maxActorLength).replace(unprintable, '?')
}

/** Left out: the hash of a secret must not get here, and the rest is bookkeeping. */
const leftOut = new Set<string>(['secrets', 'version', 'updatedAt', 'createdAt', 'id'])

/** The fields that a change set, before and after it. Secrets appear by id, first characters and deadline. */
export function changedFields(
  before: KeyRecord | null,
  after: KeyRecord | null,
): Pick<AuditEntry, 'before' | 'after'> {
  const from = before === null ? null : auditableFields(before)
  const to = after === null ? null : auditableFields(after)
  if (from === null || to === null) return { before: from, after: to }
  const changed = Object.keys(to).filter((field) => toComparable(from[field]) !== toComparable(to[field]))
  const pick = (fields: Record<string, unknown>) =>
    Object.fromEntries(changed.map((field) => [field, fields[field]]))
  return { before: pick(from), after: pick(to) }
}

/** The order of the names in an object, such as metadata, says nothing. */
export function toComparable(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  )
}

function auditableFields(record: KeyRecord): Record<string, unknown> {
  return {
    ...Object.fromEntries(Object.entries(record).filter(([field]) => !leftOut.has(field))),
    secrets: record.secrets.map(({ id, start, expiresAt, imported }) => ({
      id,
      start,
      expiresAt,
      ...(imported && { imported }),
    })),
  }
}
