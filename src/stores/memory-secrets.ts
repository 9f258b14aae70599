import type { KeyRecord } from '../keys/key-record.ts'
import type { KeyStore } from './key-store.ts'

/** The secrets of a memory store: whose they are, and which have ended. */
export interface MemorySecrets {
  /** The id of the key that has a secret now. */
  ownerOf(keyHash: string | undefined): string | undefined
  /** Whether none of a key's secrets is another key's, or has ended. */
  allow(record: KeyRecord): boolean
  /** A key comes, changes or goes. The secrets that it had and has no more have ended. */
  change(before: KeyRecord | undefined, after: KeyRecord | undefined, now: number): void
  ended: NonNullable<KeyStore['ended']>
}

export function createMemorySecrets(): MemorySecrets {
  const owners = new Map<string, string>()
  const endedAt = new Map<string, number>()
  return {
    ownerOf: (keyHash) => (keyHash === undefined ? undefined : owners.get(keyHash)),
    allow: ({ id, secrets }) =>
      secrets.every(({ keyHash }) => !endedAt.has(keyHash) && (owners.get(keyHash) ?? id) === id),
    change(before, after, now) {
      const kept = new Set(after?.secrets.map(({ keyHash }) => keyHash))
      for (const { keyHash, expiresAt } of before?.secrets ?? []) {
        if (kept.has(keyHash)) continue
        owners.delete(keyHash)
        endedAt.set(keyHash, Math.min(expiresAt ?? now, now))
      }
      for (const { keyHash } of after?.secrets ?? []) owners.set(keyHash, (after as KeyRecord).id)
    },
    ended: (keyHashes) =>
      new Map(
        keyHashes.flatMap((keyHash) => {
          const at = endedAt.get(keyHash)
          return at === undefined ? [] : [[keyHash, at]]
        }),
      ),
  }
}
