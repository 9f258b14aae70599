import type {
  AnomalyJson,
  AuditEntryJson,
  CreatedKeyJson,
  DecisionJson,
  ImportKeyJson,
  ImportResultJson,
  KeyChangesJson,
  KeyJson,
  KeyWithVolumeJson,
  LimitsJson,
  ProblemJson,
  RotatedKeyJson,
  SessionJson,
  SourceType,
  UsageJson,
  UsageOverviewJson,
} from '../../../src/admin/wire.ts'

/** A key in lists and single answers. Answers to changes have no volume. */
export type WriteKey = KeyJson & Partial<Pick<KeyWithVolumeJson, VolumeField>>
type VolumeField = Exclude<keyof KeyWithVolumeJson, keyof KeyJson>

export type Secret = KeyJson['secrets'][number]

/** What can be set on a key. */
export type KeyFields = Required<Omit<KeyChangesJson, OptionalField>> & Pick<KeyChangesJson, 'plan' | 'trial'>
type OptionalField = 'version' | 'plan' | 'trial'

export interface Page<T> {
  data: T[]
  next_cursor: string | null
}

/** What tells keys of one name apart. */
export type KeyName = NonNullable<DecisionJson['key']>

export type Counts = Record<string, number>

export type {
  AnomalyJson as Anomaly,
  AuditEntryJson as AuditEntry,
  CreatedKeyJson as CreatedKey,
  DecisionJson as Decision,
  ImportKeyJson as ImportKey,
  ImportResultJson as ImportResult,
  LimitsJson as Limits,
  ProblemJson as Problem,
  RotatedKeyJson as RotatedKey,
  SessionJson as Session,
  SourceType,
  UsageJson as Usage,
  UsageOverviewJson as UsageOverview,
}
