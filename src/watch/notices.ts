import type { Outage } from '../cache/outages.ts'
import type { AuditEntry } from '../keys/audit-entry.ts'
import type { Clock } from '../runtime/clock.ts'
import { inBackground } from '../runtime/timers.ts'
import type { CommittedChange, KeyStore } from '../stores/key-store.ts'
import type { WriteKeyEvent } from '../verifier/decision-event.ts'
import { scanForNotices } from './notice-scan.ts'

export interface NoticesOptions {
  store: KeyStore
  clock: Pick<Clock, 'now'>
  emit: (event: WriteKeyEvent) => void
  outage: Outage
}

/** Tells people about keys, each thing once for all processes that share a store. */
export interface Notices {
  /** A change that this process has committed. */
  changed(entry: AuditEntry): void
  /** Tells of changes that others made without telling anybody, such as the command line. */
  readChanges(): Promise<void>
  /** Looks at every key for what is about to end or is old. One process does it each hour. */
  scan(): Promise<void>
  /** Tells of something once for all processes. @param id at most 80 characters */
  once(id: string, event: WriteKeyEvent): Promise<void>
  start(): void
  close(): void
}

const tellAfterMs = 1_000
const readEveryMs = 5_000
const firstScanMs = 5_000
const scanEveryMs = 60 * 60_000
const maxKnown = 1_000

export function createNotices({ store, clock, emit, outage }: NoticesOptions): Notices {
  const { claim, isFailing } = createClaims(store, outage)
  /** Entries of the audit log that are of no interest. */
  const known = new Set<string>()
  let waiting: AuditEntry[] = []
  let committed: AuditEntry[] = []
  let telling: NodeJS.Timeout | undefined
  let hasBegun = false
  let timers: NodeJS.Timeout[] = []

  function know(id: string): void {
    if (known.size >= maxKnown) known.delete(known.values().next().value as string)
    known.add(id)
  }

  /**
   * Others report that the store is away. What was not told now is told by the next process that finds it.
   */
  const quietly = (work: () => Promise<void>): Promise<void> => work().catch(() => {})

  async function scanOnce(): Promise<void> {
    const now = clock.now()
    if (await claim(`scan:${Math.floor(now / scanEveryMs)}`)) await scanForNotices(store, now, once)
  }

  /** After the call that made the change, which waits for nobody's hook. */
  function tellCommitted(): void {
    telling = undefined
    const told = committed
    committed = []
    void quietly(async () => {
      for (const entry of told) await once(`changed:${entry.id}`, toChange(entry))
    })
  }

  async function once(id: string, event: WriteKeyEvent): Promise<void> {
    if (await claim(id)) emit(event)
  }

  return {
    changed(entry) {
      know(entry.id)
      committed.push(entry)
      telling ??= inBackground(setTimeout(tellCommitted, tellAfterMs))
    },

    /**
     * The process that made a change tells it soon. If nobody has told it by the second scan, this one does.
     */
    readChanges: () =>
      quietly(async () => {
        if (isFailing()) await scanOnce()
        const { data } = (await store.audit?.list({ limit: 100 })) ?? { data: [] }
        const fresh = data.filter(({ id, action }) => !known.has(id) && action !== 'refused')
        for (const entry of fresh) know(entry.id)
        const due = waiting
        waiting = hasBegun ? fresh.reverse() : []
        hasBegun = true
        for (const entry of due) await once(`changed:${entry.id}`, toChange(entry))
      }),

    scan: () => quietly(scanOnce),

    once: (id, event) => quietly(() => once(id, event)),

    start() {
      const scan = () => void this.scan()
      timers = [setTimeout(scan, firstScanMs), setInterval(scan, scanEveryMs)]
      if (store.scope === 'shared' && store.audit !== undefined)
        timers.push(setInterval(() => void this.readChanges(), readEveryMs))
      for (const timer of timers) inBackground(timer)
    },

    close() {
      for (const timer of timers) clearInterval(timer)
      clearTimeout(telling)
    },
  }
}

interface Claims {
  /** Whether this process is the first to claim an id; without a store that holds claims, whether it is new here. */
  claim(id: string): Promise<boolean>
  /** Whether the last claim failed. */
  isFailing(): boolean
}

/** A process that may not claim anything tells nothing: that is reported, as nothing else fails for it. */
function createClaims({ fleet }: KeyStore, outage: Outage): Claims {
  const claimed = new Set<string>()
  let isFailing = false

  function claimHere(id: string): boolean {
    if (claimed.has(id)) return false
    if (claimed.size >= maxKnown) claimed.clear()
    claimed.add(id)
    return true
  }

  return {
    async claim(id) {
      if (fleet?.claim === undefined) return claimHere(id)
      try {
        const isFirst = await fleet.claim(id)
        isFailing = false
        outage.ended()
        return isFirst
      } catch (error) {
        isFailing = true
        outage.began(error)
        throw error
      }
    },
    isFailing: () => isFailing,
  }
}

/** The store, wrapped so that it reports each change that it commits. */
export function withNotices(store: KeyStore, changed: (entry: AuditEntry) => void): KeyStore {
  async function telling(
    write: PromiseLike<CommittedChange | undefined> | CommittedChange | undefined,
    entry: AuditEntry,
  ) {
    const committed = await write
    if (committed !== undefined) changed(entry)
    return committed
  }
  const { insertAll } = store
  const told: Partial<KeyStore> = {
    insert: (record, entry) => telling(store.insert(record, entry), entry),
    replace: (record, entry) => telling(store.replace(record, entry), entry),
    remove: (id, version, entry) => telling(store.remove(id, version, entry), entry),
    ...(insertAll !== undefined && {
      async insertAll(creations) {
        const committed = await insertAll.call(store, creations)
        for (const [index, change] of committed.entries())
          if (change !== undefined) changed((creations[index] as (typeof creations)[number]).audit)
        return committed
      },
    }),
  }
  // An application's store may be an instance of a class: all other calls go to the store itself.
  return new Proxy(store, {
    get(_, name) {
      if (Object.hasOwn(told, name)) return told[name as keyof KeyStore]
      const value: unknown = Reflect.get(store, name)
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
}

function toChange({
  action,
  keyId,
  workspace,
  actor,
  address,
  at,
  before,
  after,
}: AuditEntry): WriteKeyEvent {
  return {
    type: 'key_changed',
    action: action as Exclude<AuditEntry['action'], 'refused'>,
    keyId: keyId ?? '',
    workspace: workspace ?? null,
    actor,
    address,
    at: new Date(at),
    fields: action === 'create' || action === 'remove' ? [] : Object.keys(after ?? before ?? {}),
  }
}
