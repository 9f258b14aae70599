import { describe, expect, it } from 'vitest'
import { changedFields, toActorText } from '../../src/keys/audit-entry.ts'
import { type KeyRecord, toWriteKey } from '../../src/keys/key-record.ts'
import {
  assertRemovable,
  createKey,
  endGrace,
  parseGraceHours,
  pauseKey,
  resumeKey,
  revokeKey,
  rotateKey,
  updateKey,
} from '../../src/keys/lifecycle.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { KeyError } from '../../src/runtime/errors.ts'
import { createKeyRecord } from '../../src/testing/stored-key.ts'

const hour = 3_600_000
const now = Date.UTC(2026, 0, 15, 12)
const newSecret = () => ({ secret: generateSecret('sk_live_'), keyHash: generateSecret('hash') })
const newKey = (fields = {}) =>
  createKey({ name: 'Web App', sourceType: 'web', ...fields }, 'production', newSecret(), now)
const deadlines = (record: KeyRecord) => record.secrets.map(({ expiresAt }) => expiresAt)

/** What `call` throws, as `code reason field`. */
function refusal(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    return [error.code, error.reason, error.field].filter(Boolean).join(' ')
  }
  return 'not refused'
}

describe('a new key', () => {
  it('has an id of its own, one secret without a deadline, and no rules', () => {
    const record = newKey()
    expect(record.id).toMatch(/^wk_[0-9A-Za-z]{16}$/)
    expect(record).toMatchObject({
      status: 'active',
      version: 1,
      environment: 'production',
      allowedOrigins: null,
      revokedAt: null,
    })
    expect(record.secrets).toHaveLength(1)
    expect(record.secrets[0]).toMatchObject({ expiresAt: null, lastUsedAt: null, createdAt: now })
    expect(record.secrets[0]?.id).toMatch(/^sec_/)
  })

  it('needs a name and a source type', () => {
    expect(refusal(() => createKey({ sourceType: 'web' }, 'production', newSecret(), now))).toBe(
      'invalid_field name',
    )
    expect(refusal(() => createKey({ name: 'x' }, 'production', newSecret(), now))).toBe(
      'invalid_field sourceType',
    )
  })
})

describe('a rotation', () => {
  it('gives the earlier secret a deadline, and the new one none', () => {
    const rotated = rotateKey(newKey(), newSecret(), 24 * hour, now)
    expect(deadlines(rotated)).toEqual([now + 24 * hour, null])
    expect(rotated.version).toBe(2)
  })

  it('never extends a deadline', () => {
    const first = rotateKey(newKey(), newSecret(), hour, now)
    const second = rotateKey(first, newSecret(), 100 * hour, now + 1)
    expect(deadlines(second)).toEqual([now + hour, now + 1 + 100 * hour, null])
  })

  it('shortens deadlines that lie later', () => {
    const first = rotateKey(newKey(), newSecret(), 100 * hour, now)
    expect(deadlines(rotateKey(first, newSecret(), hour, now))).toEqual([now + hour, now + hour, null])
  })

  it('with a grace of 0 leaves the new secret alone', () => {
    const rotated = rotateKey(rotateKey(newKey(), newSecret(), hour, now), newSecret(), 0, now)
    expect(deadlines(rotated)).toEqual([null])
  })

  it('drops secrets that have ended', () => {
    const first = rotateKey(newKey(), newSecret(), hour, now)
    expect(deadlines(rotateKey(first, newSecret(), hour, now + hour))).toEqual([now + 2 * hour, null])
  })

  it('allows five live secrets, and not a sixth', () => {
    let record = newKey()
    for (let count = 0; count < 4; count++) record = rotateKey(record, newSecret(), hour, now)
    expect(record.secrets).toHaveLength(5)
    expect(refusal(() => rotateKey(record, newSecret(), hour, now))).toBe('conflict too_many_secrets')
    expect(rotateKey(record, newSecret(), 0, now).secrets).toHaveLength(1)
    expect(rotateKey(record, newSecret(), hour, now + hour).secrets).toHaveLength(2)
    const ended = endGrace(record, record.secrets[0]?.id as string, now)
    expect(rotateKey(ended, newSecret(), hour, now).secrets).toHaveLength(5)
  })

  it('is refused for revoked and expired keys', () => {
    expect(refusal(() => rotateKey(revokeKey(newKey(), now) as KeyRecord, newSecret(), 0, now))).toBe(
      'conflict revoked',
    )
    const expiring = newKey({ expiresAt: now + 1 })
    expect(refusal(() => rotateKey(expiring, newSecret(), 0, now))).toBe('not refused')
    expect(refusal(() => rotateKey(expiring, newSecret(), 0, now + 1))).toBe('conflict expired')
  })

  it.each([
    [undefined, 24 * hour],
    [0, 0],
    [0.5, hour / 2],
    [720, 720 * hour],
    [1e-9, 0],
  ])('takes a grace of %j hours', (hours, ms) => {
    expect(parseGraceHours(hours)).toBe(ms)
  })

  it.each([-1, 720.1, Number.NaN, 1e18, '24', '24h', null, true, [24]])(
    'refuses a grace of %j hours',
    (hours) => {
      expect(refusal(() => parseGraceHours(hours))).toBe('invalid_field gracePeriodHours')
    },
  )
})

describe('a revocation', () => {
  it('is final, and the same when repeated', () => {
    const revoked = revokeKey(newKey(), now) as KeyRecord
    expect(revoked).toMatchObject({ status: 'revoked', revokedAt: now, version: 2 })
    expect(revokeKey(revoked, now + 1)).toBeUndefined()
  })

  it.each([
    { rateLimitEps: 5 },
    { allowedOrigins: null },
    { expiresAt: null },
    { sourceType: 'server' as const },
    { status: 'active' },
    { name: 'x', deniedIps: null },
  ])('leaves no room for the change %j', (fields) => {
    expect(refusal(() => updateKey(revokeKey(newKey(), now) as KeyRecord, fields, now))).toBe(
      'conflict revoked',
    )
  })

  it('leaves name and metadata open', () => {
    const renamed = updateKey(revokeKey(newKey(), now) as KeyRecord, { name: 'Old', metadata: { a: 1 } }, now)
    expect(renamed).toMatchObject({ name: 'Old', status: 'revoked', revokedAt: now })
  })
})

describe('an early end of a grace', () => {
  it('takes that secret away, and no other', () => {
    const rotated = rotateKey(rotateKey(newKey(), newSecret(), hour, now), newSecret(), hour, now)
    const [first, second, third] = rotated.secrets
    const ended = endGrace(rotated, second?.id as string, now)
    expect(ended.secrets).toEqual([first, third])
    expect(ended.version).toBe(rotated.version + 1)
  })

  it('is refused for the current secret, an unknown one and a revoked key', () => {
    const record = newKey()
    const current = record.secrets[0]?.id as string
    expect(refusal(() => endGrace(record, current, now))).toBe('invalid_field secretId')
    expect(refusal(() => endGrace(record, 'sec_none', now))).toBe('not_found')
    expect(refusal(() => endGrace(revokeKey(record, now) as KeyRecord, current, now))).toBe(
      'conflict revoked',
    )
  })
})

describe('what the audit log keeps of a change', () => {
  it('is the fields that differ, and of secrets neither hash nor text', () => {
    const record = newKey()
    const after = updateKey(rotateKey(record, newSecret(), hour, now), { name: 'Renamed' }, now)
    const entry = changedFields(record, after)
    expect(Object.keys(entry.after ?? {}).toSorted()).toEqual(['name', 'secrets'])
    expect(entry.before).toMatchObject({ name: 'Web App', secrets: [{ expiresAt: null }] })
    for (const { keyHash } of after.secrets) expect(JSON.stringify(entry)).not.toContain(keyHash)
    expect(changedFields(null, record).before).toBeNull()
    expect(changedFields(record, null).after).toBeNull()
  })
})

describe('what a change leaves as it is', () => {
  const lists = { a: 1, more: { y: ['track', 'page'], x: null } }
  const record = { ...createKeyRecord(), metadata: lists }

  it.each([
    ['the order of names', { more: { x: null, y: ['track', 'page'] }, a: 1 }, []],
    [
      'nothing, when the order of a list differs',
      { a: 1, more: { y: ['page', 'track'], x: null } },
      ['metadata'],
    ],
    ['nothing, when a value differs', { a: 1, more: { y: ['track', 'page'], x: 0 } }, ['metadata']],
    [
      'nothing, when a list becomes an object',
      { a: 1, more: { y: { 0: 'track', 1: 'page' }, x: null } },
      ['metadata'],
    ],
  ])('in metadata is %s', (_, metadata, expected) => {
    const { before, after } = changedFields(record, { ...record, metadata })
    expect([Object.keys(before ?? {}), Object.keys(after ?? {})]).toEqual([expected, expected])
  })
})

describe('what a refusal says', () => {
  const revoked = () => revokeKey(newKey(), now) as KeyRecord
  const full = () => {
    let record = newKey()
    for (let count = 0; count < 4; count++) record = rotateKey(record, newSecret(), hour, now)
    return record
  }
  it.each<[string, () => unknown, RegExp]>([
    [
      'no name',
      () => createKey({ sourceType: 'web' }, 'production', newSecret(), now),
      /is required: 1 to 100 characters that describe the source$/,
    ],
    [
      'no source type',
      () => createKey({ name: 'x' }, 'production', newSecret(), now),
      /is required: web, mobile, server or other$/,
    ],
    [
      'a revoked key',
      () => updateKey(revoked(), { rateLimitEps: 5 }, now),
      /^This key is revoked, which is final; create a new one\.$/,
    ],
    [
      'an expired key',
      () => rotateKey(newKey({ expiresAt: now }), newSecret(), 0, now),
      /^This key has expired and cannot be rotated; create a new one\.$/,
    ],
    [
      'a sixth secret',
      () => rotateKey(full(), newSecret(), hour, now),
      /^This key has 5 live secrets already; end the grace of one first, or rotate with a grace of 0\.$/,
    ],
    ['an unknown secret', () => endGrace(newKey(), 'sec_x', now), /^This key has no such secret\.$/],
    [
      'the current secret',
      () => {
        const key = newKey()
        return endGrace(key, key.secrets[0]?.id as string, now)
      },
      /is the current secret, which has no grace to end; rotate or revoke the key instead$/,
    ],
    [
      'a grace',
      () => parseGraceHours(721),
      /must be a number of hours from 0 \(the old secret ends now\) to 720$/,
    ],
    [
      "an operator's pause",
      () => resumeKey(pauseKey(newKey(), 'operator', now) as KeyRecord, 'workspace', now),
      /^This key was paused by whoever runs this service, and is theirs to resume: ask them\.$/,
    ],
  ])('of %s', (_, call, text) => {
    expect(call).toThrow(text)
  })
})

describe('a pause', () => {
  const active = newKey()
  const ofOperator = pauseKey(active, 'operator', now) as KeyRecord
  const ofWorkspace = pauseKey(active, 'workspace', now) as KeyRecord

  it('is whose it is, and the operator’s takes the place of the workspace’s, never the other way round', () => {
    for (const by of ['operator', 'workspace'] as const)
      expect(pauseKey(active, by, now)).toMatchObject({ status: 'paused', pausedBy: by, version: 2 })
    expect(pauseKey(ofWorkspace, 'operator', now)).toMatchObject({ pausedBy: 'operator', version: 3 })
    for (const [record, by] of [
      [ofOperator, 'workspace'],
      [ofOperator, 'operator'],
      [ofWorkspace, 'workspace'],
    ] as const)
      expect(pauseKey(record, by, now)).toBeUndefined()
  })

  it('is ended by whoever made it, and by the operator', () => {
    expect(resumeKey(active, 'operator', now)).toBeUndefined()
    for (const [record, by] of [
      [ofOperator, 'operator'],
      [ofWorkspace, 'operator'],
      [ofWorkspace, 'workspace'],
    ] as const)
      expect(resumeKey(record, by, now)).toMatchObject({ status: 'active', pausedBy: null, version: 3 })
    const unknown = { ...ofOperator, pausedBy: null }
    for (const record of [ofOperator, unknown]) {
      expect(refusal(() => resumeKey(record, 'workspace', now))).toBe('conflict paused_by_operator')
      expect(refusal(() => assertRemovable(record, 'workspace'))).toBe('conflict paused_by_operator')
      expect(refusal(() => assertRemovable(record, 'operator'))).toBe('not refused')
    }
    for (const record of [active, ofWorkspace])
      expect(refusal(() => assertRemovable(record, 'workspace'))).toBe('not refused')
  })

  it('of the operator, or of nobody knows whom, still keeps a revoked key from being deleted', () => {
    for (const record of [ofOperator, { ...ofOperator, pausedBy: null }]) {
      const revoked = revokeKey(record, now) as KeyRecord
      expect(revoked).toMatchObject({ status: 'revoked', pausedBy: 'operator' })
      const renamed = updateKey(revoked, { name: 'Renamed' }, now)
      expect(() => assertRemovable(renamed, 'workspace')).toThrow(/is theirs to delete: ask them\.$/)
      expect(refusal(() => assertRemovable(renamed, 'operator'))).toBe('not refused')
      expect(refusal(() => pauseKey(revoked, 'operator', now))).toBe('conflict revoked')
      expect(refusal(() => resumeKey(revoked, 'operator', now))).toBe('conflict revoked')
    }
    for (const record of [active, ofWorkspace]) {
      const revoked = revokeKey(record, now) as KeyRecord
      expect(revoked.pausedBy).toBe(record.pausedBy)
      expect(refusal(() => assertRemovable(revoked, 'workspace'))).toBe('not refused')
    }
    // A store of the application may hold keys from before there was the field.
    const old = { ...active, status: 'revoked', pausedBy: undefined } as never
    expect(refusal(() => assertRemovable(old, 'workspace'))).toBe('not refused')
  })
})

describe('an imported secret', () => {
  const imported = { start: 'kZ9a', keyHash: 'ab'.repeat(32), imported: true } as const

  it('keeps its start, and says that it is imported, to people and in the audit log', () => {
    const record = createKey({ name: 'iOS', sourceType: 'mobile' }, 'production', imported, now)
    expect(record.secrets).toMatchObject([{ start: 'kZ9a', imported: true }])
    const [, made] = rotateKey(record, newSecret(), hour, now).secrets
    expect(made).toMatchObject({ start: expect.stringMatching(/^sk_live_/), imported: false })
    const logged = changedFields(null, rotateKey(record, newSecret(), hour, now)).after?.secrets as object[]
    expect(logged[0]).toMatchObject({ imported: true })
    expect(logged[1]).not.toHaveProperty('imported')
    const shown = toWriteKey({ ...record, pausedBy: 'workspace' }, {} as never)
    expect(shown.secrets).toMatchObject([{ imported: true }])
    expect(shown.pausedBy).toBe('workspace')
    const before = {
      ...record,
      pausedBy: undefined,
      secrets: [{ ...record.secrets[0], imported: undefined }],
    }
    const old = toWriteKey(before as never, {} as never)
    expect(old.pausedBy).toBeNull()
    expect(old.secrets[0]?.imported).toBe(false)
  })
})

describe('an actor in the audit log', () => {
  it('is a text that every database can hold, of 200 characters at most', () => {
    expect(toActorText(undefined)).toBeNull()
    expect(toActorText('ops')).toBe('ops')
    expect(toActorText('a\0b\u2028c\ud800')).toBe('a?b?c?')
    expect(toActorText('x'.repeat(300))).toBe('x'.repeat(200))
  })
})
