import { createWriteKeys, type KeyStore, type WriteKeys } from '../../../../src/index.ts'

/** A key that is used all the time, by every verifier. */
export interface UsedKey {
  readonly id: string
  readonly secret: string
  /** When the call that ended it returned, by `performance.now()`. */
  endedAt?: number
  /** Handlers that were started after that. */
  acceptedAfter: number
  /** When each verifier accepted it last. */
  readonly acceptedAt: number[]
}

/** Several processes that verify all the time, and one that manages keys. Each has a store, and connections, of its own. */
export interface Fleet {
  /** Who manages keys now. */
  manager(): WriteKeys
  /** A process that starts now takes over. */
  renewManager(): void
  readonly keys: readonly UsedKey[]
  /** Makes keys, and waits until every verifier accepts them. */
  makeKeys(count: number): Promise<UsedKey[]>
  /** Ends a key, and asks again while the store is away. */
  revoke(key: UsedKey): Promise<void>
  /** Whether the manager's own process accepts a key. */
  accepts(key: UsedKey): Promise<boolean>
  /** How often `revision_regressed` has been told. */
  regressions(): number
  /** @throws Error when a handler was started for a key whose end had returned and is still in the store. */
  summarize(): Promise<Summary>
  close(): Promise<void>
}

export interface Summary {
  /** Ended keys that the store still holds as ended. */
  ended: number
  /** Ends that the store has lost after the call had returned: nobody can know of them. */
  lost: number
  verifications: number
  acceptedAfterReturn: number
}

export interface FleetOptions {
  open(): KeyStore
  /** The manager's way to the store, when it has one of its own. */
  openForManager?(): KeyStore
  leaseMs?: number
  verifiers?: number
}

export function startFleet(fleetOptions: FleetOptions): Fleet {
  const { open, leaseMs = 400, verifiers = 3 } = fleetOptions
  const openForManager = fleetOptions.openForManager ?? open
  const keys: UsedKey[] = []
  let verifications = 0
  let regressions = 0
  let stopped = false
  const options = (store: KeyStore) => ({
    store,
    cache: { leaseMs },
    onEvent(event: { type: string }) {
      if (event.type === 'revision_regressed') regressions++
    },
  })
  const managers = [createWriteKeys(options(openForManager()))]
  const manager = () => managers.at(-1) as WriteKeys
  const fleet = Array.from({ length: verifiers }, () => createWriteKeys(options(open())))
  const loops = fleet.map(async (verifier, index) => {
    while (!stopped) {
      await Promise.all(
        keys.map(async (key) => {
          const verdict = await verifier.verify(request(key.secret))
          verifications++
          if (!verdict.ok) return
          key.acceptedAt[index] = performance.now()
          if (key.endedAt !== undefined) key.acceptedAfter++
        }),
      )
      await pause(2)
    }
  })

  return {
    manager,
    renewManager: () => void managers.push(createWriteKeys(options(openForManager()))),
    keys,
    async makeKeys(count) {
      const made: UsedKey[] = []
      for (let index = 0; index < count; index++) {
        const { writeKey, key } = await insist(() => manager().create({ name: 'Used', sourceType: 'server' }))
        made.push({ id: writeKey.id, secret: key, acceptedAfter: 0, acceptedAt: [] })
      }
      const since = performance.now()
      keys.push(...made)
      for (const key of made) {
        while (fleet.some((_, index) => !((key.acceptedAt[index] ?? 0) > since))) await pause(5)
      }
      return made
    },
    async revoke(key) {
      await insist(() => manager().revoke(key.id))
      key.endedAt = performance.now()
    },
    accepts: async ({ secret }) => (await manager().verify(request(secret))).ok,
    regressions: () => regressions,
    async summarize() {
      const summary: Summary = { ended: 0, lost: 0, verifications, acceptedAfterReturn: 0 }
      for (const key of keys) {
        if (key.endedAt === undefined) continue
        const stored = await insist(() =>
          manager()
            .get(key.id)
            .catch((error) => noKey(error)),
        )
        if (stored?.status !== 'revoked') summary.lost++
        else {
          summary.ended++
          summary.acceptedAfterReturn += key.acceptedAfter
        }
      }
      return summary
    },
    async close() {
      stopped = true
      await Promise.all(loops)
      await Promise.all([...managers, ...fleet].map((one) => one.close()))
    },
  }
}

function noKey(error: unknown): undefined {
  if ((error as { code?: string }).code === 'not_found') return undefined
  throw error
}

/** Until the store answers; a call without an answer is repeated, as the docs say. */
async function insist<T>(call: () => Promise<T>): Promise<T> {
  const beganAt = performance.now()
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (performance.now() - beganAt > 60_000) throw error
      await pause(20)
    }
  }
}

const request = (secret: string) => ({
  method: 'GET',
  path: '/v1/track',
  headers: { authorization: `Basic ${btoa(`${secret}:`)}` },
  ip: '192.0.2.7',
})

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
