export type { VerifyingKeys, WriteKeyContext } from './adapter/request-context.ts'
export type { CacheOptions } from './cache/cache-options.ts'
export type { CacheState } from './cache/key-cache-interface.ts'
export type { Health, PartHealth } from './health.ts'
export type {
  BodyForm,
  CredentialRequest,
  CredentialSource,
  FindKey,
  HeadersLike,
  IngestRequest,
  IngestRequestInit,
  ReadBody,
  Reply,
} from './http/ingest-request.ts'
export type { CheckedRequest, KeyCheck } from './key-check.ts'
export type { Actor, AuditAction, AuditEntry } from './keys/audit-entry.ts'
export type { Concern } from './keys/concern.ts'
export type { EffectiveStatus } from './keys/effective-status.ts'
export type { KeyRules, TrialRules } from './keys/fields.ts'
export type { CreateKeyInput, UpdateKeyInput } from './keys/key-fields.ts'
export type { WriteKey, WriteKeySecret } from './keys/key-record.ts'
export type { KeyStatus, PausedBy } from './keys/key-status.ts'
export type { KeySort, ListKeysQuery } from './keys/list-query.ts'
export { parsePeppers } from './keys/pepper-option.ts'
export type { Plan, PlanOptions } from './keys/plans.ts'
export type { SourceType } from './keys/source-type.ts'
export {
  createMemoryLimiter,
  type MemoryLimiter,
  type MemoryLimiterOptions,
} from './limits/memory-limiter.ts'
export type { RateLimiter } from './limits/rate-limiter.ts'
export type { AuditPage, RefusedCall } from './management/audit-log.ts'
export type { ListAuditQuery } from './management/audit-query.ts'
export type { CreatedKey } from './management/create-key.ts'
export type { FindKeyQuery } from './management/find-key.ts'
export type { ImportKeyInput, ImportOptions } from './management/import-keys.ts'
export type { ImportResult } from './management/import-results.ts'
export type { ChangeOptions, KeyChangeOptions } from './management/key-changes.ts'
export type { KeyPage } from './management/read-keys.ts'
export type { RotatedKey } from './management/rotate-key.ts'
export type { UsageOverviewQuery } from './management/usage-reports.ts'
export type { TrustedProxies } from './rules/client-address.ts'
export type { Clock, ClockSource } from './runtime/clock.ts'
export { ConfigError } from './runtime/config-error.ts'
export { type ConflictReason, KeyError, type KeyErrorCode, StoreError } from './runtime/errors.ts'
export type { ChangeHints, KeyStore } from './stores/key-store.ts'
export { createMemoryStore } from './stores/memory-store.ts'
export type { QuotaLeft } from './usage/monthly-quotas.ts'
export type { UsageOptions } from './usage/usage-options.ts'
export type { UsageGroup, UsageGrouping, UsageOverview } from './usage/usage-overview.ts'
export type { CountsByName, KeyUsage, KeyVolume, UsageBucket } from './usage/usage-report.ts'
export type { CarriedKey } from './verifier/carried-key.ts'
export type { ChallengePolicy } from './verifier/challenge.ts'
export type { VerifiedKey } from './verifier/compiled-key.ts'
export type {
  AcceptedEvent,
  AnomalyEvent,
  AnomalyKind,
  KeyChangedEvent,
  RefusedEvent,
  StorePart,
  WouldRefuseEvent,
  WriteKeyEvent,
} from './verifier/decision-event.ts'
export type { IngestEvent, RejectedEvent } from './verifier/events.ts'
export type { Logger } from './verifier/logger.ts'
export type { Reason } from './verifier/reasons.ts'
export type { Accepted, PreflightReply, Refused, Verdict } from './verifier/verdict.ts'
export type { Activity, ActivityOptions } from './watch/activity.ts'
export type { Anomaly, AnomalyOptions } from './watch/anomaly.ts'
export type { Problem } from './watch/problems.ts'
export type { RecentDecision } from './watch/recent-decision.ts'
export type { DecisionFilter, RecentDecisions } from './watch/recent-decisions.ts'
export type { SightingsQuery } from './watch/sighting-book.ts'
export { createWriteKeys } from './write-keys.ts'
export type { WriteKeys } from './write-keys-interface.ts'
export type { WriteKeysOptions } from './write-keys-options.ts'
