import { z } from 'zod'
import type { AuditEntry } from '../../keys/audit-entry.ts'
import { snakeCaseKeys } from '../field-names.ts'
import { type KeyName, keyNameSchema } from '../key-names.ts'
import { keyIdFilter, pageLimit, toPageLimit } from '../key-schema.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'

const changedFields = z.record(z.string(), z.unknown()).nullable()

export const auditEntrySchema = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  action: z.enum([
    'create',
    'update',
    'rotate',
    'pause',
    'resume',
    'revoke',
    'remove',
    'end_grace',
    'refused',
  ]),
  actor: z.string().nullable().describe('Name of the token, or of who called.'),
  address: z.string().nullable(),
  key_id: z.string().nullable(),
  key: keyNameSchema.nullable(),
  workspace: z.string().nullable(),
  before: changedFields.describe('The changed fields before the change; null on create.'),
  after: changedFields.describe('The changed fields after it; what was refused, and why, for refused calls.'),
})

const listAuditLog = defineOperation({
  id: 'listAuditLog',
  method: 'GET',
  path: '/api/v1/events/audit-log',
  role: 'viewer',
  summary: 'Who changed what, and which calls were refused, newest first.',
  query: z.strictObject({
    key_id: keyIdFilter(),
    workspace: z.string().max(100).optional(),
    limit: pageLimit(),
    cursor: z.string().max(200).optional().describe('next_cursor of the previous page.'),
  }),
  answers: {
    200: {
      description: 'One page of entries.',
      schema: z.object({ data: z.array(auditEntrySchema), next_cursor: z.string().nullable() }),
    },
  },
  async handle({ keys, keyNames, query: { key_id: keyId, workspace, limit, cursor } }) {
    const page = await keys.audit({
      ...toPageLimit(limit),
      ...(keyId !== undefined && { keyId }),
      ...(workspace !== undefined && { workspace }),
      ...(cursor !== undefined && { cursor }),
    })
    const names = await keyNames.of(page.data.map((entry) => entry.keyId))
    const data = page.data.map((entry) => toAuditJson(entry, names))
    return jsonAnswer(200, { data, next_cursor: page.nextCursor })
  },
})

export const auditOperations: readonly Operation[] = [listAuditLog]

/** An audit entry as JSON; times within the changed fields too. */
function toAuditJson(
  entry: AuditEntry,
  names: ReadonlyMap<string, KeyName>,
): z.output<typeof auditEntrySchema> {
  return {
    id: entry.id,
    at: new Date(entry.at).toISOString(),
    action: entry.action,
    actor: entry.actor,
    address: entry.address,
    key_id: entry.keyId,
    key: names.get(entry.keyId ?? '') ?? null,
    workspace: entry.workspace ?? null,
    before: toFieldsJson(entry.before),
    after: toFieldsJson(entry.after),
  }
}

function toFieldsJson(fields: AuditEntry['after']): Record<string, unknown> | null {
  if (fields === null) return null
  return snakeCaseKeys(
    Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, toFieldJson(field, value)])),
  )
}

function toFieldJson(field: string, value: unknown): unknown {
  if (field === 'secrets' && Array.isArray(value)) {
    return value.map((secret: Record<string, unknown>) => toFieldsJson(secret))
  }
  if (field === 'trial' && typeof value === 'object' && value !== null) return snakeCaseKeys({ ...value })
  return /At$/.test(field) && typeof value === 'number' ? new Date(value).toISOString() : value
}
