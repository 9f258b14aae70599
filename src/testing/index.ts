// The ports that the suites check, for those who write a store or a limiter.
export type { AuditEntry } from '../keys/audit-entry.ts'
export type { KeyRecord, SecretRecord } from '../keys/key-record.ts'
export type { PagePosition, ParsedListQuery, ParsedSort } from '../keys/list-query.ts'
export type { LimiterChange, Rate, RateLimiter, RateLimitResult } from '../limits/rate-limiter.ts'
export type { Awaitable } from '../runtime/awaitable.ts'
export type {
  DecisionPage,
  FleetStore,
  Sighting,
  SightingQuery,
  StoredSighting,
} from '../stores/fleet-store.ts'
export type {
  ChangeHints,
  ChangeListener,
  CommittedChange,
  Creation,
  ExistingSecret,
  ExistingSecrets,
  KeyRecordPage,
  KeyStore,
  PollAnswer,
  PollQuestion,
  Position,
} from '../stores/key-store.ts'
export {
  type AuditLog,
  type AuditQuery,
  type UsageBatch,
  type UsageCount,
  type UsagePruning,
  type UsageQuery,
  type UsageStore,
  type UsageSumQuery,
  usageBucketMs,
} from '../stores/usage-store.ts'
export { adapterContract } from './adapter/adapter-contract.ts'
export type {
  AdapterConfig,
  AdapterServer,
  FrameworkRefusals,
  Handled,
  StartAdapter,
} from './adapter/adapter-harness.ts'
export { limiterContract } from './limiter/limiter-contract.ts'
export type { LimiterHarness } from './limiter/limiter-suite.ts'
export { createManualClock, type ManualClock } from './manual-clock.ts'
export { storeContract } from './store-contract.ts'
export type { StoreHarness } from './store-harness.ts'
export { createKeyRecord } from './stored-key.ts'
export { createTestKeys, type TestKeys, type TestKeysOptions } from './test-keys.ts'
export type { Expectation, TestHooks, TestTools } from './test-tools.ts'
