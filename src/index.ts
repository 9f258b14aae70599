export { keepBody, setAcceptedBody } from './http/accepted-body.ts'
export { adminRoutes } from './http/admin-routes.ts'
export type { HeaderTarget } from './http/cors-merge.ts'
export { answerByFetch, type FetchHandler, type FetchHints, pathOf } from './http/fetch-exchange.ts'
export type {
  FieldValues,
  HeadersLike,
  IngestRequest,
  IngestRequestInit,
  ReadBody,
  Reply,
} from './http/ingest-request.ts'
export { keepHeaders } from './http/kept-headers.ts'
export {
  type RequestHints,
  setRefusalHeaders,
  setReplyHeaders,
  toIngestRequest,
  trySetAcceptedHeaders,
  writeReply,
} from './http/node-exchange.ts'
export { bodyOf, toHeaders } from './http/node-request.ts'
export { BodyTakenError, type ParsedBody } from './http/parsed-body.ts'
export type { Actor, AuditAction, AuditEntry } from './keys/audit-entry.ts'
export type { ListAuditQuery } from './keys/audit-query.ts'
export type { Awaitable } from './keys/awaitable.ts'
export type { Clock, ClockSource } from './keys/clock.ts'
export { ConfigError, type ConflictReason, KeyError, type KeyErrorCode, StoreError } from './keys/errors.ts'
export type { CreateKeyInput, UpdateKeyInput } from './keys/key-fields.ts'
export type {
  KeyRecord,
  KeyRules,
  SecretRecord,
  SourceType,
  WriteKey,
  WriteKeySecret,
} from './keys/key-record.ts'
export type { ListKeysQuery, PagePosition, ParsedListQuery } from './keys/list-query.ts'
export { createMemoryLimiter, type MemoryLimiterOptions } from './limits/memory-limiter.ts'
export type { LimiterChange, Rate, RateLimiter, RateLimitResult } from './limits/rate-limiter.ts'
export { createClientAddress, type TrustedProxies } from './rules/client-address.ts'
export type {
  ChangeHints,
  ChangeListener,
  CommittedChange,
  ExistingSecret,
  ExistingSecrets,
  KeyRecordPage,
  KeyStore,
  PollAnswer,
  PollQuestion,
  Position,
} from './stores/key-store.ts'
export { createMemoryStore } from './stores/memory-store.ts'
export {
  type AuditLog,
  type AuditQuery,
  type UsageBatch,
  type UsageCount,
  type UsageQuery,
  type UsageStore,
  usageBucketMs,
} from './stores/usage-store.ts'
export type { Activity, ActivityOptions } from './usage/activity.ts'
export type { Anomaly, AnomalyOptions } from './usage/anomalies.ts'
export type { DecisionFilter, RecentDecision, RecentDecisions } from './usage/recent-decisions.ts'
export type { CountsByName, KeyUsage, KeyVolume, UsageBucket } from './usage/usage-report.ts'
export {
  type AdapterOptions,
  resolveAdapterOptions,
  tellRefused,
} from './verifier/adapter.ts'
export type { VerifiedKey } from './verifier/compiled-key.ts'
export type { CredentialSource } from './verifier/credentials.ts'
export type {
  AcceptedEvent,
  AnomalyEvent,
  AnomalyKind,
  RefusedEvent,
  WriteKeyEvent,
} from './verifier/decision-event.ts'
export type { Logger } from './verifier/event-hook.ts'
export type { IngestEvent, RejectedEvent } from './verifier/events.ts'
export type { Reason } from './verifier/reasons.ts'
export type { ChallengePolicy } from './verifier/replies.ts'
export {
  createContext,
  findContext,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
} from './verifier/request-context.ts'
export type { Accepted, Refused, Verdict } from './verifier/verdict.ts'
export {
  type AuditPage,
  type ChangeOptions,
  type CreatedKey,
  createWriteKeys,
  type KeyPage,
  type RefusedCall,
  type RotatedKey,
  type WriteKeys,
} from './write-keys.ts'
export type { CacheOptions, UsageOptions, WriteKeysOptions } from './write-keys-options.ts'
