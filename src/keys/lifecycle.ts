import { invalidField, KeyError } from '../runtime/errors.ts'
import { type FieldName, type KeyField, keyFields } from './fields.ts'
import { newId } from './ids.ts'
import type { GivenFields } from './key-fields.ts'
import type { KeyRecord, SecretRecord } from './key-record.ts'
import type { PausedBy } from './key-status.ts'
import { secretStart } from './secret.ts'
import { unsetFields } from './settable-fields.ts'

/** Most secrets of one key that can be accepted at the same time. */
const maxLiveSecrets = 5
/** Longest grace of a rotation, in hours. */
export const maxGraceHours = 720
/** Grace of a rotation when none is given, in hours. */
const defaultGraceHours = 24

const hourMs = 3_600_000

/** A secret as a record stores it: only its hash and its first characters. */
export interface NewSecret {
  secret: string
  keyHash: string
}

/** A secret that was made elsewhere. */
export interface ImportedSecret {
  /** A part from which the secret cannot be guessed; empty when only its hash is known. */
  start: string
  keyHash: string
  imported: true
}

/**
 * A new key with one secret. Pure but for the random ids. @param id chosen by the caller; default a random
 * one.
 */
export function createKey(
  fields: Partial<GivenFields>,
  environment: string,
  secret: NewSecret | ImportedSecret,
  now: number,
  id = newId('key'),
): KeyRecord {
  const { name, sourceType } = fields
  if (name === undefined)
    throw invalidField('name', 'is required: 1 to 100 characters that describe the source')
  if (sourceType === undefined) throw invalidField('sourceType', 'is required: web, mobile, server or other')
  return {
    id,
    name,
    sourceType,
    environment: fields.environment ?? environment,
    status: 'active',
    pausedBy: null,
    ...unsetFields,
    ...fields,
    secrets: [newSecretRecord(secret, now)],
    createdAt: now,
    updatedAt: now,
    revokedAt: null,
    version: 1,
  }
}

/**
 * Renames a key or changes its rules. A revoked key can still be renamed, but nothing brings it back to life.
 * @throws KeyError `conflict` when a revoked key would get anything but a new name or metadata.
 */
export function updateKey(
  record: KeyRecord,
  fields: Partial<Omit<GivenFields, 'environment' | 'workspace'>>,
  now: number,
): KeyRecord {
  if (
    record.status === 'revoked' &&
    (Object.keys(fields) as FieldName[]).some((name) => !(keyFields[name] as KeyField).evenRevoked)
  ) {
    throw revokedConflict()
  }
  return nextVersion(record, fields, now)
}

/**
 * Adds a secret. Every earlier live secret ends at `min(its own deadline, now + grace)`: a deadline is never
 * extended. Secrets that have ended are dropped from the record.
 * @throws KeyError `conflict` for a revoked or expired key, or when five secrets would outlive the rotation.
 */
export function rotateKey(record: KeyRecord, secret: NewSecret, graceMs: number, now: number): KeyRecord {
  if (record.status === 'revoked') throw revokedConflict()
  if (record.expiresAt !== null && record.expiresAt <= now) {
    throw new KeyError('conflict', 'This key has expired and cannot be rotated; create a new one.', {
      reason: 'expired',
    })
  }
  const deadline = now + graceMs
  const earlier = record.secrets
    .map((old) => ({
      ...old,
      expiresAt: old.expiresAt === null ? deadline : Math.min(old.expiresAt, deadline),
    }))
    .filter((old) => old.expiresAt > now)
  if (earlier.length >= maxLiveSecrets) {
    throw new KeyError(
      'conflict',
      `This key has ${maxLiveSecrets} live secrets already; end the grace of one first, or rotate with a grace of 0.`,
      { reason: 'too_many_secrets' },
    )
  }
  return nextVersion(record, { secrets: [...earlier, newSecretRecord(secret, now)] }, now)
}

/**
 * Ends the key for good. Undefined when it is revoked already: there is nothing to write. Whose pause it ended
 * stays in the record, for `assertRemovable`.
 */
export function revokeKey(record: KeyRecord, now: number): KeyRecord | undefined {
  if (record.status === 'revoked') return undefined
  return nextVersion(record, { status: 'revoked', pausedBy: pauserOf(record), revokedAt: now }, now)
}

/**
 * Pauses the key: it is refused until it is resumed. Undefined when it is paused already. The operator's pause
 * takes the place of the workspace's, never the other way round.
 * @throws KeyError `conflict` for a revoked key.
 */
export function pauseKey(record: KeyRecord, by: PausedBy, now: number): KeyRecord | undefined {
  if (record.status === 'revoked') throw revokedConflict()
  if (record.status === 'paused' && (by === 'workspace' || record.pausedBy === 'operator')) return undefined
  return nextVersion(record, { status: 'paused', pausedBy: by }, now)
}

/**
 * Ends a pause. Undefined when there is none.
 * @throws KeyError `conflict` for a revoked key, and when the workspace would end a pause that is not its own.
 */
export function resumeKey(record: KeyRecord, by: PausedBy, now: number): KeyRecord | undefined {
  if (record.status === 'revoked') throw revokedConflict()
  if (record.status === 'active') return undefined
  if (by === 'workspace' && pauserOf(record) === 'operator') throw pausedByOperator('resume')
  return nextVersion(record, { status: 'active', pausedBy: null }, now)
}

/**
 * What an operator has paused stays for the operator to look into, also when it was revoked afterwards; and not
 * every store keeps an ended secret out of an import.
 * @throws KeyError `conflict` when the workspace would delete such a key.
 */
export function assertRemovable(record: KeyRecord, by: PausedBy): void {
  if (by === 'workspace' && pauserOf(record) === 'operator') throw pausedByOperator('delete')
}

/**
 * Ends one secret's grace now.
 * @throws KeyError `not_found` for an unknown secret, `conflict` for a revoked key, `invalid_field` for the
 * newest secret.
 */
export function endGrace(record: KeyRecord, secretId: string, now: number): KeyRecord {
  if (record.status === 'revoked') throw revokedConflict()
  const secret = record.secrets.find((candidate) => candidate.id === secretId)
  if (secret === undefined) throw new KeyError('not_found', 'This key has no such secret.')
  if (secret.expiresAt === null) {
    throw invalidField(
      'secretId',
      'is the current secret, which has no grace to end; rotate or revoke the key instead',
    )
  }
  return nextVersion(record, { secrets: record.secrets.filter((candidate) => candidate !== secret) }, now)
}

/**
 * The grace of a rotation in milliseconds.
 * @param hours 0 (the old secrets end now) to 720, fractions allowed; `undefined` = 24.
 */
export function parseGraceHours(hours: unknown): number {
  if (hours === undefined) return defaultGraceHours * hourMs
  if (typeof hours !== 'number' || !(hours >= 0 && hours <= maxGraceHours)) {
    throw invalidField(
      'gracePeriodHours',
      `must be a number of hours from 0 (the old secret ends now) to ${maxGraceHours}`,
    )
  }
  return Math.round(hours * hourMs)
}

function newSecretRecord(secret: NewSecret | ImportedSecret, now: number): SecretRecord {
  return {
    id: newId('secret'),
    keyHash: secret.keyHash,
    start: 'imported' in secret ? secret.start : secretStart(secret.secret),
    createdAt: now,
    expiresAt: null,
    lastUsedAt: null,
    imported: 'imported' in secret,
  }
}

function nextVersion(record: KeyRecord, changes: Partial<KeyRecord>, now: number): KeyRecord {
  return { ...record, ...changes, updatedAt: now, version: record.version + 1 }
}

function revokedConflict(): KeyError {
  return new KeyError('conflict', 'This key is revoked, which is final; create a new one.', {
    reason: 'revoked',
  })
}

/** Whose pause it is, or was when the key was revoked. A pause of unknown origin is the operator's. */
function pauserOf({ status, pausedBy }: KeyRecord): PausedBy | null {
  if (status === 'paused') return pausedBy ?? 'operator'
  // A store of the application may hold keys from before there was the field.
  return pausedBy ?? null
}

function pausedByOperator(action: 'resume' | 'delete'): KeyError {
  return new KeyError(
    'conflict',
    `This key was paused by whoever runs this service, and is theirs to ${action}: ask them.`,
    { reason: 'paused_by_operator' },
  )
}
