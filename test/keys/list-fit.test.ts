import { describe, expect, it } from 'vitest'
import { type Concern, hasConcern } from '../../src/keys/concern.ts'
import { effectiveStatusOf } from '../../src/keys/effective-status.ts'
import { fitsList } from '../../src/keys/list-fit.ts'
import { sortValue } from '../../src/keys/list-query.ts'
import { createKeyRecord } from '../../src/testing/stored-key.ts'

const day = 86_400_000
const now = Date.UTC(2026, 0, 15, 12)
const secret = (createdAt: number, expiresAt: number | null) => ({
  ...(createKeyRecord().secrets[0] as ReturnType<typeof createKeyRecord>['secrets'][number]),
  createdAt,
  expiresAt,
})
const keyWith = (changed: object) => createKeyRecord({ createdAt: now, expiresAt: null, ...changed })

describe('the status of a key as people see it', () => {
  const graced = [secret(now, now + 1), secret(now, null)]
  it.each([
    ['active', {}],
    ['paused', { status: 'paused' }],
    ['revoked', { status: 'revoked', expiresAt: now }],
    ['expired', { status: 'paused', expiresAt: now }],
    ['active', { expiresAt: now + 1 }],
    ['rotating', { secrets: graced }],
    ['paused', { status: 'paused', secrets: graced }],
    ['active', { secrets: [secret(now, now), secret(now, null)] }],
  ])('is %s with %j', (status, changed) => {
    expect(effectiveStatusOf(keyWith(changed), now)).toBe(status)
  })
})

describe('a key that somebody should look at', () => {
  const has = (is: Concern, changed: object, lastEventAt = 0) =>
    hasConcern(keyWith(changed), { is, at: now }, lastEventAt)

  it('has a grace that ends within a day', () => {
    const grace = (endsAt: number) => ({ secrets: [secret(now, endsAt), secret(now, null)] })
    expect([1, day - 1, day, 0, -1].map((later) => has('grace_ending', grace(now + later)))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
    expect(has('grace_ending', { status: 'paused', ...grace(now + 1) })).toBe(false)
  })

  it('is used with a secret of more than 90 days that has no end', () => {
    const old = { secrets: [secret(now - 90 * day - 1, null)] }
    expect(has('old_secret', old, now - 30 * day + 1)).toBe(true)
    expect(has('old_secret', old, now - 30 * day)).toBe(false)
    expect(has('old_secret', { secrets: [secret(now - 90 * day, null)] }, now)).toBe(false)
    const besideAnEndingOne = { secrets: [secret(now - 99 * day, now + day), secret(now - 91 * day, null)] }
    expect(has('old_secret', besideAnEndingOne, now)).toBe(true)
    const ending = { secrets: [secret(now - 91 * day, now + 1), secret(now, null)] }
    expect(has('old_secret', ending, now)).toBe(false)
  })

  it('is older than 30 days, and has sent nothing within them', () => {
    const old = { createdAt: now - 30 * day - 1 }
    expect(has('unused', old)).toBe(true)
    expect(has('unused', old, now - 30 * day)).toBe(true)
    expect(has('unused', old, now - 30 * day + 1)).toBe(false)
    expect(has('unused', { createdAt: now - 30 * day })).toBe(false)
    expect(has('unused', { ...old, status: 'revoked' })).toBe(false)
  })
})

describe('a list', () => {
  const record = keyWith({
    name: 'Web Shop',
    environment: 'Staging',
    sourceType: 'web',
    workspace: 'acme',
    plan: 'pro',
    secrets: [
      { ...secret(now - day, now), start: 'sk_live_wxyz' },
      { ...secret(now, null), start: 'sk_live_abcd' },
    ],
  })

  it.each([
    [{}, true],
    [{ status: 'active' }, true],
    [{ status: 'paused' }, false],
    [{ effectiveStatus: { is: 'active', at: now } }, true],
    [{ effectiveStatus: { is: 'rotating', at: now } }, false],
    [{ concern: { is: 'unused', at: now + 31 * day } }, true],
    [{ concern: { is: 'unused', at: now } }, false],
    [{ sourceType: 'web' }, true],
    [{ sourceType: 'server' }, false],
    [{ environment: 'Staging' }, true],
    [{ environment: 'staging' }, false],
    [{ workspace: 'acme' }, true],
    [{ workspace: null }, false],
    [{ plan: 'pro' }, true],
    [{ plan: 'free' }, false],
    [{ q: 'wEB s' }, true],
    [{ q: 'STAG' }, true],
    [{ q: record.id.slice(0, 8) }, true],
    [{ q: record.id.slice(1) }, false],
    [{ q: 'sk_live_ab' }, true],
    [{ q: 'sk_live_wx' }, true],
    [{ q: 'live_ab' }, false],
    [{ q: 'elsewhere' }, false],
  ])('by %j shows the key: %s', (query, isShown) => {
    expect(fitsList(record, query as never, 0)).toBe(isShown)
  })

  it('sorts by what its order names', () => {
    const value = (by: Parameters<typeof sortValue>[0]) => sortValue(by, record, 5)
    expect(value('created_at')).toBe(now)
    expect(value('last_event_at')).toBe(5)
    expect(value('name')).toBe('web shop')
    expect(value('environment')).toBe('Staging')
    expect(value('source_type')).toBe('web')
  })
})
