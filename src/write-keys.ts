import { createKeyCache } from './cache/key-cache.ts'
import { createPepperCheck } from './cache/pepper-check.ts'
import { createUnknownKeyBudget } from './cache/unknown-key-budget.ts'
import { withCheckedOptions } from './checked-calls.ts'
import { createClosing } from './closing.ts'
import { createCounting } from './counting.ts'
import { createHealth } from './health.ts'
import { createKeyCheck } from './key-check.ts'
import type { KeyRecord } from './keys/key-record.ts'
import { createEndingFinding } from './management/find-key.ts'
import { createManagement } from './management/management.ts'
import { noteMeasured } from './measured.ts'
import { assertReady } from './readiness.ts'
import { createReportedOutages } from './reported-outages.ts'
import { type ResolvedOptions, resolveOptions } from './resolve-options.ts'
import { noteEventTypes } from './rules/event-types.ts'
import { withDeadline } from './runtime/deadline.ts'
import { createPauses } from './runtime/pauses.ts'
import type { DroppedUsage } from './usage/unsent-usage.ts'
import { type CompiledKey, createKeyCompiler } from './verifier/compiled-key.ts'
import { createDecisionMeter, type DecisionMeasure } from './verifier/decision-counts.ts'
import { createEventHook, type EventHook } from './verifier/event-hook.ts'
import { noteLogger } from './verifier/logger.ts'
import type { DecisionWatch } from './verifier/request-decision.ts'
import { haveEndpoints } from './verifier/settlement.ts'
import { createUnderWay } from './verifier/under-way.ts'
import { createVerifier } from './verifier/verifier.ts'
import { createNotices, withNotices } from './watch/notices.ts'
import { createWatchedActivity } from './watched-activity.ts'
import type { WriteKeys } from './write-keys-interface.ts'
import type { WriteKeysOptions } from './write-keys-options.ts'

/**
 * Creates the write keys of an application.
 *
 * @throws ConfigError for an unknown option or a bad value.
 * @example
 * ```ts
 * const keys = createWriteKeys({ store: createMemoryStore() })
 * const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
 * ```
 */
export function createWriteKeys(options: WriteKeysOptions = {}): WriteKeys {
  const resolved = resolveOptions(options)
  if (options.clock !== undefined) resolved.limiter.useClock?.(resolved.bucketClock)
  const parts = createParts(resolved)
  const { cache, activity } = parts
  const underWay = createUnderWay()
  const verifierOptions = { ...parts.verifierOptions, underWay }
  const verifier = createVerifier(verifierOptions)
  const closing = createClosing({ ...resolved, ...parts, underWay })
  const hasClosed = closing.hasBegun
  const look = createHealth({ ...resolved, ...parts, hasClosed })
  /** For requests that come after `close`. */
  const closedVerifier = createVerifier({ ...verifierOptions, cache: closing.closedCache })
  if (isWatchedFromStart(resolved)) activity.look()

  const keys: WriteKeys = {
    ...withCheckedOptions(
      {
        ...createManagement({ ...resolved, ...parts, store: parts.toldStore, ownLeaseMs: cache.leaseMs }),
        check: createKeyCheck({
          ...resolved,
          options: verifierOptions,
          find: (secret, query) => keys.find(secret, query),
          findEnding: createEndingFinding(parts.toldStore, resolved.hashers),
        }),
      },
      underWay,
    ),
    get activity() {
      return activity.look()
    },
    preflight: verifier.preflight,
    verify(request) {
      if (closing.hasBegun()) return Promise.resolve(closedVerifier.verify(request))
      const verdict = verifier.verify(request)
      return verdict instanceof Promise ? verdict : Promise.resolve(verdict)
    },
    ready: () => assertReady({ ...resolved, ...parts, hasClosed }),
    health: async () => look(),
    async flush() {
      countPassed()
      await withDeadline(parts.usage.flush(), flushMs, () => undefined)
    },
    close() {
      parts.notices?.close()
      countPassed()
      return closing.close()
    },
  }
  /** Without endpoints, which may still refuse them, what guards have let through counts by now. */
  function countPassed(): void {
    if (!haveEndpoints(keys)) underWay.countPassed()
  }
  noteLogger(keys, resolved.logger)
  noteEventTypes(keys, resolved.eventTypes)
  noteMeasured(keys, {
    meter() {
      parts.measure.meter ??= createDecisionMeter()
      return parts.measure.meter
    },
    health: look,
    lookups: cache.counts,
    dropped: () => parts.dropped,
    clockErrorMs: () => Math.abs(parts.usage.time.behindMs()),
    unknownKeyBudgetUsed: parts.budgetUsed,
  })
  return keys
}

/** Longest that `flush` waits for a store that hangs. What it has not stored goes with the next batch. */
const flushMs = 5_000

function isWatchedFromStart({ activity, onEvent, store }: ResolvedOptions): boolean {
  if (activity !== undefined || onEvent !== undefined) return activity !== false
  // Another process may want to see this one's decisions.
  return store.fleet !== undefined && store.scope === 'shared'
}

/**
 * Reports each plan that a key names and the application does not have, once, and at most a hundred of them.
 */
function createPlanNotice(emit: EventHook) {
  const told = new Set<string>()
  return ({ id, plan }: KeyRecord) => {
    if (plan === null || told.has(plan) || told.size >= 100) return
    told.add(plan)
    emit({ type: 'unknown_plan', keyId: id, plan })
  }
}

/** What verification and management share. */
function createParts(resolved: ResolvedOptions) {
  const { store, clock } = resolved
  const emit = createEventHook(resolved.onEvent, resolved.logger)
  const outages = createReportedOutages(emit, resolved.limiter)
  const { storeOutages, hintsOutages } = outages
  const peppers = createPepperCheck({
    store,
    hashers: resolved.hashers,
    onMissing: (error) => emit({ type: 'pepper_missing', error }),
    onUnchecked: () => emit({ type: 'peppers_unchecked' }),
  })
  const watch: DecisionWatch = {}
  const measure: DecisionMeasure = {}
  const { dropped, onDropped } = countDropped(emit)
  const noticesFail = storeOutages('notices')
  const noticesOutage = {
    ...noticesFail,
    // While nothing answers, one report is enough.
    began: (error: unknown) => storeOutages.errorOf('questions') ?? noticesFail.began(error),
  }
  const notices = resolved.tellsNotices
    ? createNotices({ store, clock, emit, outage: noticesOutage })
    : undefined
  notices?.start()
  const activity = createWatchedActivity(resolved, watch, emit, notices, storeOutages, {
    pollMs: () => cache.leaseMs() / 4,
    beginPolling: () => void cache.refresh().catch(() => {}),
  })
  const budget = createUnknownKeyBudget(clock)
  const cache = createKeyCache<CompiledKey>({
    store,
    clock,
    compile: createKeyCompiler({ ...resolved, onUnknownPlan: createPlanNotice(emit) }),
    budget,
    ...resolved.cache,
    hints: resolved.hints,
    storeOutage: storeOutages,
    hintsOutage: hintsOutages,
    onUntold: () => emit({ type: 'index_missing' }),
    onStaleAccept: (keyId) => emit({ type: 'stale_accept', keyId }),
    onWatched: (isWatched) => activity.told(isWatched),
    onRevisionRegressed() {
      peppers.forgetClaims()
      emit({ type: 'revision_regressed' })
    },
    onAnswer: peppers.see,
  })
  const { usage, quotas } = createCounting(resolved, storeOutages('counts'), onDropped)
  const tellDecisions = resolved.onEvent !== undefined
  const { isSpent } = budget
  const missingPepper = peppers.missing
  const verifierOptions = {
    ...resolved,
    cache,
    emit,
    tellDecisions,
    usage,
    watch,
    measure,
    isSpent,
    missingPepper,
    quotas,
  }
  return {
    ...outages,
    questions: storeOutages('questions'),
    peppers,
    pauses: createPauses(),
    notices,
    toldStore: notices === undefined ? store : withNotices(store, notices.changed),
    cache,
    usage,
    activity,
    measure,
    dropped,
    onDropped,
    budgetUsed: budget.used,
    verifierOptions,
  }
}

function countDropped(emit: EventHook) {
  const dropped = { events: 0, refusals: 0 }
  function onDropped(given: DroppedUsage): void {
    dropped.events += given.events
    dropped.refusals += given.refusals
    emit({ type: 'usage_dropped', ...given })
  }
  return { dropped, onDropped }
}
