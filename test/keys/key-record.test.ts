import { expect, it } from 'vitest'
import { type Effective, type KeyRecord, toWriteKey } from '../../src/keys/key-record.ts'
import { createKeyRecord, createSecretRecord } from '../../src/testing/stored-key.ts'

const effective: Effective = {
  effectiveRateLimitEps: 50,
  effectiveSenderRateLimitEps: null,
  effectiveMonthlyEvents: 1_000,
  eventBytes: 512,
  effectiveStatus: 'rotating',
}
const at = 1_700_000_000_000

it('shows people the times of a record as dates, what counts beside what is set, and no hash', () => {
  const secrets = [
    createSecretRecord({ start: 'sk_live_abcd', createdAt: at, expiresAt: at + 1, lastUsedAt: at + 2 }),
    createSecretRecord({ createdAt: at + 3, expiresAt: null, lastUsedAt: null, imported: true }),
  ]
  const times = { createdAt: at + 4, updatedAt: at + 5, expiresAt: at + 6, revokedAt: at + 7 }
  const record = createKeyRecord({ name: 'Web', pausedBy: 'workspace', secrets, ...times })
  const shown = toWriteKey(record, effective)
  expect(shown).toEqual({
    ...record,
    ...effective,
    createdAt: new Date(at + 4),
    updatedAt: new Date(at + 5),
    expiresAt: new Date(at + 6),
    revokedAt: new Date(at + 7),
    secrets: [
      {
        id: secrets[0]?.id,
        start: 'sk_live_abcd',
        createdAt: new Date(at),
        expiresAt: new Date(at + 1),
        lastUsedAt: new Date(at + 2),
        imported: false,
      },
      {
        id: secrets[1]?.id,
        start: secrets[1]?.start,
        createdAt: new Date(at + 3),
        expiresAt: null,
        lastUsedAt: null,
        imported: true,
      },
    ],
  })
  expect(JSON.stringify(shown)).not.toContain(secrets[0]?.keyHash as string)
})

it('shows no time where there is none, and what a store from before a field was there does not hold', () => {
  const { imported, ...secret } = createSecretRecord()
  const { pausedBy, ...record } = createKeyRecord({ expiresAt: null, revokedAt: null })
  const shown = toWriteKey({ ...record, secrets: [secret] } as unknown as KeyRecord, effective)
  expect(shown).toMatchObject({ pausedBy: null, expiresAt: null, revokedAt: null })
  expect(shown.secrets[0]?.imported).toBe(false)
})

it('shows a copy: what becomes of it changes no record', () => {
  const record = createKeyRecord({ allowedEventTypes: ['track'], metadata: { team: { id: 1 } } })
  const shown = toWriteKey(record, effective) as unknown as {
    allowedEventTypes: string[]
    metadata: { team: { id: number } }
  }
  shown.allowedEventTypes.push('page')
  shown.metadata.team.id = 2
  expect(record).toMatchObject({ allowedEventTypes: ['track'], metadata: { team: { id: 1 } } })
})
