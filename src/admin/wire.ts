import type { z } from 'zod'
import type { ImportResultJson, importKeySchema } from './import-items.ts'
import type {
  createdKeySchema,
  keySchema,
  keyWithVolumeSchema,
  rotatedKeySchema,
  sourceType,
  updateKeySchema,
} from './key-schema.ts'
import type { anomalySchema } from './routes/anomalies.ts'
import type { auditEntrySchema } from './routes/audit-log.ts'
import type { decisionSchema } from './routes/debugger.ts'
import type { limitsSchema } from './routes/limits.ts'
import type { problemSchema } from './routes/problems.ts'
import type { sessionSchema } from './routes/session.ts'
import type { usageOverviewSchema, usageSchema } from './routes/usage.ts'

/** Objects of the management API as JSON, for the page; times are ISO 8601. */

export type SourceType = z.output<typeof sourceType>
export type KeyJson = z.output<typeof keySchema>
export type KeyWithVolumeJson = z.output<typeof keyWithVolumeSchema>
export type CreatedKeyJson = z.output<typeof createdKeySchema>
export type RotatedKeyJson = z.output<typeof rotatedKeySchema>
export type KeyChangesJson = z.input<typeof updateKeySchema>
export type UsageJson = z.output<typeof usageSchema>
export type UsageOverviewJson = z.output<typeof usageOverviewSchema>
export type AuditEntryJson = z.output<typeof auditEntrySchema>
export type DecisionJson = z.output<typeof decisionSchema>
export type AnomalyJson = z.output<typeof anomalySchema>
export type ProblemJson = z.output<typeof problemSchema>
export type SessionJson = z.output<typeof sessionSchema>
export type LimitsJson = z.output<typeof limitsSchema>
export type ImportKeyJson = z.input<typeof importKeySchema>
export type { ImportResultJson }
