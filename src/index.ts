export { keepBody, setAcceptedBody } from './adapter/accepted-body.ts'
export {
  type AdapterOptions,
  resolveAdapterOptions,
  tellRefused,
} from './adapter/adapter-options.ts'
export { adminRoutes } from './adapter/admin-routes.ts'
export type { HeaderTarget } from './adapter/cors-merge.ts'
export { answerByFetch, type FetchHandler, type FetchHints, pathOf } from './adapter/fetch-exchange.ts'
export { createPathTest, type PathTest } from './adapter/guarded-paths.ts'
export { keepHeaders } from './adapter/kept-headers.ts'
export {
  type RequestHints,
  setRefusalHeaders,
  setReplyHeaders,
  toIngestRequest,
  trySetAcceptedHeaders,
  writeReply,
} from './adapter/node-exchange.ts'
export {
  createNodeGuard,
  type NodeGuard,
  type NodeNext,
  type NodeRequest,
  type OnNodeRefused,
} from './adapter/node-guard.ts'
export { bodyOf, toHeaders } from './adapter/node-request.ts'
export {
  createContext,
  findContext,
  requireContext,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
} from './adapter/request-context.ts'
export { rewindBody } from './adapter/rewound-body.ts'
export type { CacheOptions } from './cache/cache-options.ts'
export type {
  FieldValues,
  HeadersLike,
  IngestRequest,
  IngestRequestInit,
  ReadBody,
  Reply,
} from './http/ingest-request.ts'
export { BodyTakenError, type ParsedBody } from './http/parsed-body.ts'
export { isContinued } from './http/unread-body.ts'
export type { Actor, AuditAction, AuditEntry } from './keys/audit-entry.ts'
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
export type { ListAuditQuery } from './management/audit-query.ts'
export { createClientAddress, type TrustedProxies } from './rules/client-address.ts'
export type { Awaitable } from './runtime/awaitable.ts'
export type { Clock, ClockSource } from './runtime/clock.ts'
export { badOption, ConfigError } from './runtime/config-error.ts'
export { type ConflictReason, KeyError, type KeyErrorCode, StoreError } from './runtime/errors.ts'
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
export type { UsageOptions } from './usage/usage-options.ts'
export type { CountsByName, KeyUsage, KeyVolume, UsageBucket } from './usage/usage-report.ts'
export type { VerifiedKey } from './verifier/compiled-key.ts'
export type { CredentialSource } from './verifier/credentials.ts'
export type {
  AcceptedEvent,
  AnomalyEvent,
  AnomalyKind,
  RefusedEvent,
  WriteKeyEvent,
} from './verifier/decision-event.ts'
export type { IngestEvent, RejectedEvent } from './verifier/events.ts'
export type { Logger } from './verifier/logger.ts'
export type { Reason } from './verifier/reasons.ts'
export type { ChallengePolicy } from './verifier/replies.ts'
export type { Accepted, Refused, Verdict } from './verifier/verdict.ts'
export type { Activity, ActivityOptions } from './watch/activity.ts'
export type { Anomaly, AnomalyOptions } from './watch/anomalies.ts'
export type { DecisionFilter, RecentDecision, RecentDecisions } from './watch/recent-decisions.ts'
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
export type { WriteKeysOptions } from './write-keys-options.ts'
