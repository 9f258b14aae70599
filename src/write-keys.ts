import { createChangeBarrier } from './cache/change-barrier.ts'
import { createKeyCache } from './cache/key-cache.ts'
import { createMissBudget } from './cache/miss-budget.ts'
import { createOutages } from './cache/outages.ts'
import type { IngestRequestInit, Reply } from './http/ingest-request.ts'
import {
  type Actor,
  type AuditAction,
  type AuditEntry,
  changedFields,
  toActorText,
} from './keys/audit-entry.ts'
import { keyIdPattern, newId, newKeyIdPattern } from './keys/ids.ts'
import { type CreateKeyInput, parseScalarFields, type UpdateKeyInput } from './keys/key-fields.ts'
import { type KeyRecord, toWriteKey, type WriteKey } from './keys/key-record.ts'
import {
  createKey,
  endGrace,
  type NewSecret,
  parseGraceHours,
  revokeKey,
  rotateKey,
  updateKey,
} from './keys/lifecycle.ts'
import { encodeCursor, type ListKeysQuery, parseListQuery } from './keys/list-query.ts'
import { digestToHex, generateSecret } from './keys/secret.ts'
import { encodeAuditCursor, type ListAuditQuery, parseAuditQuery } from './management/audit-query.ts'
import { creationEntryId, explainTaken } from './management/chosen-id.ts'
import { createEndings, keyNotFound } from './management/endings.ts'
import { resolveOptions } from './resolve-options.ts'
import { loadPublicSuffixes } from './rules/public-suffix.ts'
import { parseRuleFields } from './rules/rule-fields.ts'
import type { Awaitable } from './runtime/awaitable.ts'
import { withDeadline } from './runtime/deadline.ts'
import { invalidField, KeyError, StoreError } from './runtime/errors.ts'
import type { CommittedChange } from './stores/key-store.ts'
import { createUsageRecorder } from './usage/usage-recorder.ts'
import {
  type KeyUsage,
  type KeyVolume,
  parseUsageWindow,
  toKeyUsage,
  toKeyVolumes,
} from './usage/usage-report.ts'
import { type CompiledKey, createKeyCompiler } from './verifier/compiled-key.ts'
import { createEventHook } from './verifier/event-hook.ts'
import type { DecisionWatch } from './verifier/request-decision.ts'
import { createUnderWay } from './verifier/under-way.ts'
import type { Verdict } from './verifier/verdict.ts'
import { createVerifier } from './verifier/verifier.ts'
import { type Activity, type ActivityWatch, createActivity } from './watch/activity.ts'
import type { Anomaly } from './watch/anomalies.ts'
import type { WriteKeysOptions } from './write-keys-options.ts'

export interface KeyPage {
  data: WriteKey[]
  /** Pass it back as `cursor` for the next page; null on the last one. */
  nextCursor: string | null
}

export interface AuditPage {
  /** Newest first. */
  data: AuditEntry[]
  /** Pass it back as `cursor` for the next page; null on the last one. */
  nextCursor: string | null
}

/** A management call that was refused before it reached these write keys, for the audit log. */
export interface RefusedCall extends ChangeOptions {
  /** The key it was about, when it named one. */
  keyId?: string
  /** What was asked and why it was refused, e.g. `{ call: 'rotate', status: 403, code: 'read_only_token' }`. No secret, and nothing of a body. */
  details: Readonly<Record<string, string | number>>
}

/** Who asks for a change; noted in the audit log. */
export interface ChangeOptions {
  actor?: Actor
}

export interface CreatedKey {
  writeKey: WriteKey
  /** The secret. It is not stored and cannot be shown again. */
  key: string
}

export interface RotatedKey extends CreatedKey {
  /** When the earlier secrets stop being accepted. */
  graceExpiresAt: Date
}

/**
 * Write keys of one application: managing them, and deciding about requests that present one.
 *
 * Management calls reject with `KeyError` (`invalid_field`, `not_found`, `conflict`) or, when the store is unreachable,
 * `StoreError`. `preflight` and `verify` never throw.
 */
export interface WriteKeys {
  /** @param options.id an id of the caller's choice, `wk_` and 16 base62 characters: used once for good, so that a repeated call makes one key. Taken, it is refused with `conflict`: `duplicate` when the same fields made the key, `other_input` when others did, `id_spent` when that key has been removed. */
  create(input: CreateKeyInput, options?: ChangeOptions & { id?: string }): Promise<CreatedKey>
  list(query?: ListKeysQuery): Promise<KeyPage>
  get(id: string): Promise<WriteKey>
  /** @param options.version refuse with `conflict` unless the key still has this version. */
  update(
    id: string,
    changes: UpdateKeyInput,
    options?: ChangeOptions & { version?: number },
  ): Promise<WriteKey>
  /** Adds a secret; earlier ones are accepted for `gracePeriodHours` more (0 to 720, fractions allowed; default 24). */
  rotate(id: string, options?: ChangeOptions & { gracePeriodHours?: number }): Promise<RotatedKey>
  /** Ends the grace of one earlier secret now. */
  endGrace(id: string, secretId: string, options?: ChangeOptions): Promise<WriteKey>
  /** Ends the key for good. Resolves when no process accepts it any more; revoking twice is fine. */
  revoke(id: string, options?: ChangeOptions): Promise<WriteKey>
  /**
   * Revokes the key and forgets it. Resolves when no process accepts it any more; so does the `not_found` of a second call,
   * for one that was left without an answer. The audit log stays.
   */
  remove(id: string, options?: ChangeOptions): Promise<void>

  /**
   * What a key accepted and refused, up to now. @param options.window `1h` to `720h` or `1d` to `30d`; default `24h`.
   * Other processes' counts are in as far as they have been stored: `usage.flushMs` behind at most.
   */
  usage(id: string, options?: { window?: string }): Promise<KeyUsage>
  /** The volume of up to 100 keys, for lists: one question to the store for all of them. Ids that are unknown have none. */
  volumes(ids: readonly string[]): Promise<ReadonlyMap<string, KeyVolume>>
  /** Who changed what, newest first. Stays when a key is removed. */
  audit(query?: ListAuditQuery): Promise<AuditPage>
  /** Adds a refused call to the audit log. */
  noteRefused(call: RefusedCall): Promise<void>

  /** What this process decided lately, and what is unusual about it. Watched from the first look on, or as the option `activity` says. */
  readonly activity: Activity

  /** Answers a CORS preflight; undefined for any other request. Needs no key. */
  preflight(request: IngestRequestInit): Reply | undefined
  /** Runs every check on a request. Resolves to a verdict whatever the client sent. */
  verify(request: IngestRequestInit): Promise<Verdict>

  /**
   * Requests that come from now on are answered with 503. Those under way are decided and counted first, which may take 3
   * seconds; then what was counted is stored, timers stop, and the limiter and the store are closed. Resolves within some
   * 5 seconds whatever hangs.
   */
  close(): Promise<void>
}

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
  const { store, clock, limiter } = resolved
  const emit = createEventHook(resolved.onEvent, resolved.logger)
  if (options.clock !== undefined) limiter.useClock?.(clock)
  const storeOutages = createOutages(
    (error) => emit({ type: 'store_error', error }),
    () => emit({ type: 'store_recovered' }),
  )
  const hintsOutages = createOutages(
    (error) => emit({ type: 'hints_error', error }),
    () => emit({ type: 'hints_recovered' }),
  )
  const [questions, counting] = [storeOutages('questions'), storeOutages('counting')]
  const publishing = hintsOutages('publishing')
  const budget = createMissBudget(clock)
  const cache = createKeyCache<CompiledKey>({
    store,
    clock,
    compile: createKeyCompiler(resolved),
    budget,
    ...resolved.cache,
    hints: resolved.hints,
    storeOutage: storeOutages,
    hintsOutage: hintsOutages,
    onUntold: () => emit({ type: 'index_missing' }),
    onStaleAccept: (keyId) => emit({ type: 'stale_accept', keyId }),
    onRevisionRegressed: () => emit({ type: 'revision_regressed' }),
  })
  const barrier = createChangeBarrier({
    store,
    ownLeaseMs: cache.leaseMs,
    onStoreError: questions.began,
    onStoreAnswer: questions.ended,
  })
  const endings = createEndings(store, barrier)
  const usage = createUsageRecorder({
    store: store.usage,
    clock,
    eventTypes: resolved.eventTypes.known,
    flushMs: resolved.usage.flushMs,
    retentionMs: resolved.usage.retentionDays * dayMs,
    onStoreError: counting.began,
    onStored: counting.ended,
    onDropped: (dropped) => emit({ type: 'usage_dropped', ...dropped }),
  })
  const watch: DecisionWatch = {}
  let activity: ActivityWatch | undefined
  const verifierOptions = {
    ...resolved,
    cache,
    emit,
    tellDecisions: resolved.onEvent !== undefined,
    usage,
    watch,
    isSpent: budget.isSpent,
  }
  const verifier = createVerifier(verifierOptions)
  /** For requests that come after `close`. */
  const closedVerifier = createVerifier({ ...verifierOptions, cache: closedCache })
  const underWay = createUnderWay()
  const unobserve = limiter.observe?.((change) => {
    if (change.state === 'degraded') emit({ type: 'limiter_degraded', error: change.error })
    else emit({ type: 'limiter_recovered' })
  })
  let closing: Promise<void> | undefined
  if (resolved.activity !== undefined || resolved.onEvent !== undefined) watchActivity()

  function watchActivity(): Activity {
    if (activity === undefined) {
      activity = createActivity({ clock, report: reportAnomaly, isInUse }, resolved.activity)
      if (closing === undefined) watch.record = activity.record
      else activity.close()
    }
    return activity
  }

  async function isInUse(keyId: string): Promise<boolean> {
    const record = await store.get(keyId)
    return record?.status === 'active' && (record.expiresAt === null || record.expiresAt > clock.now())
  }

  function reportAnomaly({ kind, keyId, origin, address, secretId, observed, expected }: Anomaly): void {
    // Hooks are told of each such request already.
    if (kind === 'server_key_in_browser') return
    emit({
      type: 'anomaly',
      kind,
      keyId,
      ...(origin !== undefined && { origin }),
      ...(address !== undefined && { address }),
      ...(secretId !== undefined && { secretId }),
      ...(observed !== undefined && { observed }),
      ...(expected !== undefined && { expected }),
    })
  }

  async function parseRules(input: Readonly<Record<string, unknown>>) {
    return parseRuleFields(input, resolved.eventTypes.known, await loadPublicSuffixes())
  }

  async function load(id: unknown): Promise<KeyRecord> {
    const record = await store.get(asKeyId(id))
    if (record === undefined) throw keyNotFound()
    return record
  }

  async function findCreation(keyId: string): Promise<AuditEntry | undefined> {
    let after: AuditEntry | undefined
    for (;;) {
      const page = await store.audit?.list({ keyId, limit: 100, ...(after !== undefined && { after }) })
      const found = page?.data.find(({ action }) => action === 'create')
      after = page?.data.at(-1)
      if (found !== undefined || after === undefined || !page?.more) return found
    }
  }

  /** The present as counts know it: none is stored later than the store's own clock says. */
  async function countingNow(): Promise<number> {
    const now = clock.now()
    return Math.min(now, (await store.usage?.now?.()) ?? now)
  }

  function newSecret(environment: string): NewSecret {
    const secret = generateSecret(resolved.keyPrefixFor(environment))
    return { secret, keyHash: digestToHex(resolved.hashers[0](secret)) }
  }

  function audit(
    action: AuditAction,
    change: ChangeOptions,
    before: KeyRecord | null,
    after: KeyRecord | null,
  ): AuditEntry {
    return {
      id: newId('audit'),
      at: clock.now(),
      action,
      actor: toActorText(change.actor?.name),
      address: toActorText(change.actor?.address),
      keyId: (after ?? before)?.id ?? null,
      ...changedFields(before, after),
    }
  }

  /** Writes the next version of a record, or refuses when somebody else was faster. */
  async function replace(
    action: AuditAction,
    change: ChangeOptions,
    before: KeyRecord,
    after: KeyRecord,
  ): Promise<CommittedChange> {
    const committed = await store.replace(after, audit(action, change, before, after))
    if (committed === undefined) throw await lostRace(before.id)
    announce(before.id)
    return committed
  }

  async function lostRace(id: string): Promise<KeyError> {
    return (await store.get(id)) === undefined ? keyNotFound() : versionConflict()
  }

  /** Makes a committed change known: here at once, elsewhere by a hint that nobody waits for. */
  function announce(keyId: string): void {
    cache.forget([keyId])
    if (resolved.hints === undefined) return
    Promise.resolve(resolved.hints.publish([keyId])).then(publishing.ended, publishing.began)
  }

  /** The same of a key that nobody can use any more: there is nothing left to watch. */
  function announceEnd(keyId: string): void {
    announce(keyId)
    activity?.forget(keyId)
  }

  /** What has begun is decided and counted before anything that it needs goes away. Within five seconds whatever hangs. */
  async function close(): Promise<void> {
    const startedAt = performance.now()
    const leftMs = (of: number) => Math.max(minClosingStepMs, startedAt + of - performance.now())
    const inTime = (step: Awaitable<void> | undefined) =>
      withDeadline(step, leftMs(closingMs)).catch(storeOutages('closing').began)
    await underWay.ended(closingRequestsMs)
    cache.close()
    watch.record = undefined
    activity?.close()
    await usage.close(leftMs(closingCountsMs))
    unobserve?.()
    await inTime(limiter.close())
    await inTime(resolved.hints?.close())
    await inTime(store.close())
  }

  const writeKeys: WriteKeys = {
    async create(input, change = {}) {
      const now = clock.now()
      if (change.id !== undefined && !newKeyIdPattern.test(change.id))
        throw invalidField('id', 'must be wk_ and 16 base62 characters')
      const scalars = parseScalarFields(input, 'create', now)
      const rules = await parseRules(input as unknown as Record<string, unknown>)
      const environment = scalars.environment ?? resolved.environment
      for (let attempt = 0; attempt < insertAttempts; attempt++) {
        const secret = newSecret(environment)
        const record = createKey({ ...scalars, ...rules }, environment, secret, now, change.id)
        const entry = audit('create', change, null, record)
        const creation = change.id === undefined ? entry : { ...entry, id: creationEntryId(change.id) }
        if (await store.insert(record, creation)) {
          announce(record.id)
          return { writeKey: toWriteKey(record), key: secret.secret }
        }
        if (change.id !== undefined) {
          throw explainTaken(record, await store.get(change.id), await findCreation(change.id))
        }
      }
      throw new KeyError('conflict', 'There is a key with this id already.', { reason: 'duplicate' })
    },

    async list(query = {}) {
      const parsed = parseListQuery(query)
      await usage.flush()
      const page = await store.list(parsed)
      const last = page.data.at(-1)
      return {
        data: page.data.map(toWriteKey),
        nextCursor: page.more && last !== undefined ? encodeCursor(last) : null,
      }
    },

    async get(id) {
      await usage.flush()
      return toWriteKey(await load(id))
    },

    async update(id, changes, change = {}) {
      const now = clock.now()
      const scalars = parseScalarFields(changes, 'update', now)
      const rules = await parseRules(changes as Record<string, unknown>)
      const before = await load(id)
      if (change.version !== undefined && change.version !== before.version) throw versionConflict()
      const after = updateKey(before, { ...scalars, ...rules }, now)
      await replace('update', change, before, after)
      return toWriteKey(after)
    },

    async rotate(id, change = {}) {
      const graceMs = parseGraceHours(change.gracePeriodHours)
      const { environment } = await load(id)
      const secret = newSecret(environment)
      return barrier.settle(async () => {
        const before = await load(id)
        const now = clock.now()
        const after = rotateKey(before, secret, graceMs, now)
        const committed = await replace('rotate', change, before, after)
        const graceExpiresAt = new Date(now + graceMs)
        return {
          result: { writeKey: toWriteKey(after), key: secret.secret, graceExpiresAt },
          change: committed,
          harmlessForMs: now + graceMs - clock.now(),
        }
      })
    },

    async endGrace(id, secretId, change = {}) {
      const ended = await endings.end(asKeyId(id), async (before) => {
        if (before.secrets.some((secret) => secret.id === secretId)) {
          const after = endGrace(before, secretId, clock.now())
          const committed = await replace('end_grace', change, before, after)
          return { result: { record: after, isNew: true }, change: committed }
        }
        const seen = await endings.see(before)
        const isEnded = seen.record?.secrets.every((secret) => secret.id !== secretId)
        return isEnded ? { result: { record: before, isNew: false }, change: seen.change } : undefined
      })
      // What had ended before this call is not found, but not told so before that counts everywhere.
      if (!ended.isNew) endGrace(ended.record, secretId, clock.now())
      return toWriteKey(ended.record)
    },

    async revoke(id, change = {}) {
      // Revoking is final and so wins over whatever changes the key at the same time.
      return endings.end(asKeyId(id), async (before) => {
        const after = revokeKey(before, clock.now())
        if (after === undefined) {
          const seen = await endings.see(before)
          const isRevoked = seen.record?.status === 'revoked'
          return isRevoked ? { result: toWriteKey(before), change: seen.change } : undefined
        }
        const committed = await store.replace(after, audit('revoke', change, before, after))
        if (committed === undefined) return undefined
        announceEnd(before.id)
        return { result: toWriteKey(after), change: committed }
      })
    },

    async remove(id, change = {}) {
      await endings.end(asKeyId(id), async (before) => {
        const committed = await store.remove(before.id, before.version, audit('remove', change, before, null))
        if (committed === undefined) return undefined
        announceEnd(before.id)
        return { result: before.id, change: committed }
      })
    },

    async usage(id, { window = '24h' } = {}) {
      const parsed = parseUsageWindow(window, await countingNow())
      await load(id)
      await usage.flush()
      const keyIds = [id]
      const counts = (await store.usage?.read({ keyIds, ...parsed })) ?? []
      return toKeyUsage(parsed, counts, (await store.usage?.lastEvents(keyIds))?.get(id))
    },

    async volumes(ids) {
      const keyIds = ids.filter(isKeyId)
      if (keyIds.length > maxVolumes) throw invalidField('ids', `must be at most ${maxVolumes}`)
      if (keyIds.length === 0) return new Map()
      await usage.flush()
      const { from, to } = parseUsageWindow('24h', await countingNow())
      const counts = (await store.usage?.read({ keyIds, from, to, bucketMs: hourMs })) ?? []
      return toKeyVolumes(keyIds, from, counts, (await store.usage?.lastEvents(keyIds)) ?? new Map())
    },

    async audit(query = {}) {
      const page = await store.audit?.list(parseAuditQuery(query))
      if (page === undefined) return { data: [], nextCursor: null }
      const last = page.data.at(-1)
      return {
        data: structuredClone(page.data),
        nextCursor: page.more && last !== undefined ? encodeAuditCursor(last) : null,
      }
    },

    async noteRefused({ keyId, details, ...change }) {
      const entry = audit('refused', change, null, null)
      await store.audit?.append({ ...entry, keyId: isKeyId(keyId) ? keyId : null, after: details })
    },

    get activity() {
      return watchActivity()
    },

    preflight: verifier.preflight,

    verify(request) {
      if (closing !== undefined) return Promise.resolve(closedVerifier.verify(request))
      const verdict = verifier.verify(request)
      return verdict instanceof Promise ? underWay.enter(verdict) : Promise.resolve(verdict)
    },

    close() {
      closing ??= close()
      return closing
    },
  }
  return writeKeys
}

/** From the call of `close` on: requests under way, storing what was counted, and all of it. */
const closingRequestsMs = 3_000
const closingCountsMs = 4_000
const closingMs = 5_000
const minClosingStepMs = 50

function refuseAsClosed(): never {
  throw new StoreError('store_unavailable', 'These write keys have been closed.')
}

const closedCache = { find: refuseAsClosed, findAgain: refuseAsClosed, isCurrent: refuseAsClosed }

const insertAttempts = 3
const maxVolumes = 100
const hourMs = 3_600_000
const dayMs = 24 * hourMs

function isKeyId(id: unknown): id is string {
  return typeof id === 'string' && keyIdPattern.test(id)
}

/** Checked before any query: drivers expand objects and arrays, and a prefix search must not become a scan. */
function asKeyId(id: unknown): string {
  if (!isKeyId(id)) throw keyNotFound()
  return id
}

function versionConflict(): KeyError {
  return new KeyError('conflict', 'The key was changed by somebody else in the meantime; read it again.', {
    reason: 'version',
  })
}
