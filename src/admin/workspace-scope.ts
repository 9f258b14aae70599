import { parseWorkspace } from '../keys/field-parsers.ts'
import type { UpdateKeyInput } from '../keys/key-fields.ts'
import { isWellFormedSecret } from '../keys/secret.ts'
import { atPlaces, type ImportResult } from '../management/import-results.ts'
import type { ChangeOptions } from '../management/key-changes.ts'
import { isKeyId } from '../management/key-changes.ts'
import { invalidField, KeyError } from '../runtime/errors.ts'
import type { UsageOverview } from '../usage/usage-overview.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import { limitActivity } from './scoped-activity.ts'
import { createOwnership, keyNotFound } from './workspace-keys.ts'
import { createMeansCheck } from './workspace-means.ts'

/** Methods that no operation calls: verifying requests, and the application's life cycle. */
type NotForOperations =
  | 'preflight'
  | 'verify'
  | 'ready'
  | 'health'
  | 'flush'
  | 'close'
  | 'noteRefused'
  | 'activity'

/**
 * All that operations can do with keys. A new call of `WriteKeys` does not compile until this file says how
 * it is limited to a workspace.
 */
export interface ScopedKeys extends Omit<WriteKeys, NotForOperations> {
  activity(): Promise<Omit<WriteKeys['activity'], 'anomalies'>>
}

/** For callers without a workspace. */
export function inAllWorkspaces(keys: WriteKeys): ScopedKeys {
  return { ...keys, activity: async () => keys.activity }
}

/**
 * The keys as somebody of one workspace sees and changes them. This is the one place that keeps workspaces
 * apart. What belongs to another workspace does not exist (`not_found`, or left out). Nobody gives themselves
 * a plan, a workspace, or a rate above the plan's.
 */
export function inWorkspace(keys: WriteKeys, workspace: string): ScopedKeys {
  const { own, wasOwn, ownIds } = createOwnership(keys, workspace)
  const assertOwnMeans = createMeansCheck(keys)

  /**
   * For a call about one key: first checks whose it is. A removal without an answer may be repeated: its
   * `not_found` must wait until it is true everywhere.
   */
  function ofOwn<Rest extends unknown[], Result>(call: (id: string, ...rest: Rest) => Promise<Result>) {
    return async (id: string, ...rest: Rest): Promise<Result> => {
      const key = await keys.get(id).catch(async (error: unknown) => {
        if (isKeyId(id) && isNotFound(error) && (await wasOwn(id))) return undefined
        throw error
      })
      if (key !== undefined && key.workspace !== workspace) throw keyNotFound()
      return call(id, ...rest)
    }
  }

  /** So that a pause is theirs, and they end no other; and an import tells nothing of other workspaces. */
  function asWorkspace<Options extends ChangeOptions>(options: Options | undefined) {
    return { ...options, actor: { name: workspace, ...options?.actor, workspace } }
  }

  return {
    ...searchesOf(keys, workspace),
    plan: (name) => keys.plan(name),
    room: () => keys.room(workspace),
    async create(input, options) {
      assertOwnMeans(input)
      return keys.create({ ...input, workspace }, options)
    },
    import: (inputs, options) => importOwn(keys, workspace, assertOwnMeans, inputs, asWorkspace(options)),
    get: own,
    async update(id, changes: UpdateKeyInput, options) {
      assertOwnMeans(changes, await own(id))
      return keys.update(id, changes, options)
    },
    async enforceTrial(id, options) {
      const key = await own(id)
      assertOwnMeans({ trial: key.trial }, key)
      return keys.enforceTrial(id, options)
    },
    dropTrial: ofOwn(keys.dropTrial),
    rotate: ofOwn(keys.rotate),
    endGrace: ofOwn(keys.endGrace),
    async pause(id, options) {
      await own(id)
      return keys.pause(id, asWorkspace(options))
    },
    async resume(id, options) {
      await own(id)
      return keys.resume(id, asWorkspace(options))
    },
    revoke: ofOwn(keys.revoke),
    remove: ofOwn((id, options) => keys.remove(id, asWorkspace(options))),
    usage: ofOwn(keys.usage),
    async volumes(ids) {
      const mine = await Promise.allSettled(ids.map((id) => own(id)))
      return keys.volumes(ids.filter((_, index) => mine[index]?.status === 'fulfilled'))
    },
    activity: async () => limitActivity(keys.activity, await ownIds(), own),
  }
}

/** Calls that look among all keys. What belongs to another workspace is not found. */
function searchesOf(
  keys: WriteKeys,
  workspace: string,
): Pick<ScopedKeys, 'find' | 'check' | 'list' | 'usageOverview' | 'audit'> {
  /** What they ask of others is checked as the rest, and answered as if those had no keys. */
  function namesOther(query: { workspace?: string | null }): boolean {
    return 'workspace' in query && parseWorkspace(query.workspace) !== workspace
  }

  return {
    find: (secret) => keys.find(secret, { workspace }),
    check: (secret, request) => keys.check(secret, { ...request, workspace }),
    async list(query = {}) {
      const isOther = namesOther(query)
      const page = await keys.list({ ...query, workspace })
      return isOther ? { data: [], nextCursor: null, total: page.total === null ? null : 0 } : page
    },
    async usageOverview(query = {}) {
      const isOther = namesOther(query)
      const overview = await keys.usageOverview({ ...query, workspace })
      return isOther ? withoutTraffic(overview) : overview
    },
    async audit(query = {}) {
      const isOther = namesOther(query)
      const page = await keys.audit({ ...query, workspace })
      return isOther ? { data: [], nextCursor: null } : page
    },
  }
}

function withoutTraffic(overview: UsageOverview): UsageOverview {
  const series = overview.starts.map(() => ({ accepted: 0, refused: 0 }))
  const total = { keys: 0, accepted: 0, refused: 0, successRate: null, reasons: {}, series }
  return { ...overview, total, groups: [] }
}

/** Items beyond the means of the workspace are refused; the others are made in it. */
async function importOwn(
  keys: WriteKeys,
  workspace: string,
  assertOwnMeans: ReturnType<typeof createMeansCheck>,
  inputs: Parameters<WriteKeys['import']>[0],
  options: Parameters<WriteKeys['import']>[1],
): ReturnType<WriteKeys['import']> {
  const allowed = inputs.map((input) => {
    try {
      assertOwnMeans(input)
      assertMadeElsewhere(input)
      return undefined
    } catch (error) {
      return error as KeyError
    }
  })
  const accepted = inputs.filter((_, index) => allowed[index] === undefined)
  const places = [...inputs.keys()].filter((index) => allowed[index] === undefined)
  const made = await keys.import(
    accepted.map((input) => ({ ...input, workspace })),
    options,
  )
  const results = made.results.values()
  return {
    results: allowed.map((error) => {
      if (error === undefined) return atPlaces(places, results.next().value as ImportResult)
      return { ok: false, code: 'invalid_field', field: error.field ?? 'input', message: error.message }
    }),
  }
}

/**
 * A secret that was made here may have been another workspace's, and pages show it. Not every store remembers which have ended,
 * nor under a pepper that is gone. A hash does not say what it was made of.
 */
function assertMadeElsewhere({ key, keyHash }: Parameters<WriteKeys['import']>[0][number]): void {
  if (typeof key === 'string' && isWellFormedSecret(key))
    throw invalidField(
      'key',
      'was made here, and only those who run this service import such a secret: create a key',
    )
  if (keyHash !== undefined)
    throw invalidField('keyHash', 'is for those who run this service: give the secret in the clear as key')
}

function isNotFound(error: unknown): boolean {
  return error instanceof KeyError && error.code === 'not_found'
}
