import type { Health } from './health.ts'
import type { IngestRequestInit } from './http/ingest-request.ts'
import type { CheckedRequest, KeyCheck } from './key-check.ts'
import type { CreateKeyInput, UpdateKeyInput } from './keys/key-fields.ts'
import type { WriteKey } from './keys/key-record.ts'
import type { ListKeysQuery } from './keys/list-query.ts'
import type { Plan } from './keys/plans.ts'
import type { AuditPage, RefusedCall } from './management/audit-log.ts'
import type { ListAuditQuery } from './management/audit-query.ts'
import type { CreatedKey } from './management/create-key.ts'
import type { FindKeyQuery } from './management/find-key.ts'
import type { ImportKeyInput, ImportOptions } from './management/import-keys.ts'
import type { ImportResult } from './management/import-results.ts'
import type { ChangeOptions, KeyChangeOptions } from './management/key-changes.ts'
import type { KeyPage } from './management/read-keys.ts'
import type { RotatedKey } from './management/rotate-key.ts'
import type { UsageOverviewQuery } from './management/usage-reports.ts'
import type { UsageOverview } from './usage/usage-overview.ts'
import type { KeyUsage, KeyVolume } from './usage/usage-report.ts'
import type { PreflightReply, Verdict } from './verifier/verdict.ts'
import type { Activity } from './watch/activity.ts'

/**
 * Write keys of one application: managing them, and deciding about requests that present one.
 *
 * Management calls reject with `KeyError` (`invalid_field`, also for an unknown option, `not_found`, `conflict`) or, when the store is unreachable,
 * `StoreError`. `preflight` and `verify` never throw.
 */
export interface WriteKeys {
  /**
   * @param options.id an id of the caller's choice, `wk_` and 16 base62 characters: used only once, so that a
   * repeated call makes one key. A used id is refused with `conflict`: `duplicate` when the same fields made
   * the key, `other_input` when others did, `id_spent` when that key has been removed.
   */
  create(input: CreateKeyInput, options?: ChangeOptions & { id?: string | undefined }): Promise<CreatedKey>
  /**
   * Imports keys whose secrets were made elsewhere, at most 1 000. Each has its own result, in order. A
   * secret that exists is `conflict` and harms no other, so a call can be repeated. Rejects only when the
   * store fails: what was made until then stays.
   */
  import(inputs: readonly ImportKeyInput[], options?: ImportOptions): Promise<{ results: ImportResult[] }>
  /**
   * The key that a secret belongs to, whatever its status; undefined when no key has it. For reports of
   * leaks.
   */
  find(secret: string, query?: FindKeyQuery): Promise<WriteKey | undefined>
  /**
   * What would become of a request with this secret now, and why: by the rules, options and caches of this
   * process. Nothing is ingested, counted or charged, rates are not checked, and `workspace` of adapters is not
   * asked.
   */
  check(secret: string, request?: CheckedRequest): Promise<KeyCheck>
  list(query?: ListKeysQuery): Promise<KeyPage>
  get(id: string): Promise<WriteKey>
  /**
   * The defaults that this plan gives its keys, with the application's filled in; `null` or an unknown name:
   * the default plan.
   */
  plan(name: string | null): Plan
  /**
   * How many keys a workspace may hold (`maxKeysPerWorkspace`), and how many more it may make. Keys of every
   * status count.
   */
  room(workspace: string): Promise<{ maxKeys: number; keysLeft: number }>
  /**
   * Renames a key or changes its rules. Like every change of one key, it takes `options.version`: refused with
   * `conflict`, reason `version`, unless the key still has this version. When all fields are as they were, nothing
   * is written: the version stays, and there is no audit entry and no event.
   */
  update(id: string, changes: UpdateKeyInput, options?: KeyChangeOptions): Promise<WriteKey>
  /**
   * Enforces the rules on trial in place of the present ones. Rejects with `conflict`, reason `no_trial`,
   * when there are none.
   */
  enforceTrial(id: string, options?: KeyChangeOptions): Promise<WriteKey>
  /** Drops the rules on trial. Rejects with `conflict`, reason `no_trial`, when there are none. */
  dropTrial(id: string, options?: KeyChangeOptions): Promise<WriteKey>
  /** Adds a secret; earlier ones are accepted for `gracePeriodHours` more (0 to 720, fractions allowed; default 24). */
  rotate(
    id: string,
    options?: KeyChangeOptions & { gracePeriodHours?: number | undefined },
  ): Promise<RotatedKey>
  /** Ends the grace of one earlier secret now. */
  endGrace(id: string, secretId: string, options?: KeyChangeOptions): Promise<WriteKey>
  /**
   * Refuses the key with 429 until `resume`: senders keep their events for a while. Resolves when no process
   * accepts it any more. Pausing twice is fine. Rejects with `conflict` for a revoked key, and with reason
   * `schema_mixed` while processes of an older version may run on the store.
   */
  pause(id: string, options?: KeyChangeOptions): Promise<WriteKey>
  /** Ends a pause. Resolves when every process accepts the key again. */
  resume(id: string, options?: KeyChangeOptions): Promise<WriteKey>
  /** Ends the key for good. Resolves when no process accepts it any more; revoking twice is fine. */
  revoke(id: string, options?: KeyChangeOptions): Promise<WriteKey>
  /**
   * Revokes the key and forgets it. Resolves when no process accepts it any more. A second call, for one that
   * got no answer, waits for the same before its `not_found`. The audit log stays.
   */
  remove(id: string, options?: KeyChangeOptions): Promise<void>

  /**
   * What a key accepted and refused, up to now. @param options.window `1h` to `720h` or `1d` to `30d`;
   * default `24h`.
   * @param options.zone the time zone whose full hours and calendar days are the buckets, such as
   * `Asia/Kolkata`; default `UTC`. Counts of other processes are included once they are stored, at most
   * `usage.flushMs` later.
   */
  usage(id: string, options?: { window?: string | undefined; zone?: string | undefined }): Promise<KeyUsage>
  /**
   * The same over all keys that fit, by source type, workspace or key. Reads every count of the window: for
   * people, not for polling.
   */
  usageOverview(query?: UsageOverviewQuery): Promise<UsageOverview>
  /** The volume of up to 100 keys, for lists, with one question to the store. Unknown ids have none. */
  volumes(ids: readonly string[]): Promise<ReadonlyMap<string, KeyVolume>>
  /** Who changed what, newest first. Stays when a key is removed. */
  audit(query?: ListAuditQuery): Promise<AuditPage>
  /** Adds a refused call to the audit log. */
  noteRefused(call: RefusedCall): Promise<void>

  /**
   * What this process decided lately, and what is unusual about it. Watched from the first use on, or as the
   * option `activity` says.
   */
  readonly activity: Activity

  /** Answers a CORS preflight; undefined for any other request. Needs no key. */
  preflight(request: IngestRequestInit): PreflightReply | undefined
  /** Runs every check on a request. Resolves to a verdict whatever the client sent. */
  verify(request: IngestRequestInit): Promise<Verdict>

  /**
   * For start-up: resolves when the store answers, has its tables, and can be relied on. What fails here
   * would be a 503 for every request. Rejects with `StoreError`, whose `code` and message say what is
   * missing. A store that hangs has 20 seconds. Waits for the index of existing secrets as well, for what is
   * left of that time (`cache.index`).
   * @example
   * ```ts
   * await keys.ready()
   * app.listen(3000)
   * ```
   */
  ready(): Promise<void>
  /**
   * For probes and dashboards: what this process knows of its store, limiter, hints, cache and counting. Asks
   * nobody, and never rejects.
   */
  health(): Promise<Health>
  /**
   * Stores what has been counted so far. Never rejects: what the store does not take is kept for the next
   * time, and `health()` shows it. For runtimes that end or freeze a process after a request, use it like
   * `ctx.waitUntil(keys.flush())` in a Worker.
   */
  flush(): Promise<void>

  /**
   * Answers later requests with 503. Those under way are decided and counted first, and calls such as `revoke` have their
   * results, which may take 3 seconds.
   * Then the counts are stored, timers stop, and the limiter and the store are closed. Resolves within some 5
   * seconds whatever hangs.
   */
  close(): Promise<void>
}
