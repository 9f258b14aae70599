/**
 * When the secrets of one key were last used. `UsageStore.add` writes it as `lastUsedAt` with the next batch. Most keys use one secret,
 * which needs no map.
 */
export interface LastUses {
  secretId: string
  secretUsedAt: number
  /** Other secrets used since the last flush: only during the grace after a rotation. */
  otherSecrets: Map<string, number> | undefined
}

export const noUses: Readonly<LastUses> = { secretId: '', secretUsedAt: 0, otherSecrets: undefined }

/** An accepted request has used this secret. */
export function markSecretUsed(uses: LastUses, secretId: string, at: number): void {
  if (uses.secretId !== secretId) {
    if (uses.secretId !== '') {
      uses.otherSecrets ??= new Map()
      uses.otherSecrets.set(uses.secretId, uses.secretUsedAt)
    }
    uses.secretId = secretId
    uses.secretUsedAt = uses.otherSecrets?.get(secretId) ?? 0
  }
  if (at > uses.secretUsedAt) uses.secretUsedAt = at
}

/** The secrets that were used, each with its last use. Ids may repeat: the latest counts. */
export function* lastUses(uses: LastUses): Generator<readonly [secretId: string, at: number]> {
  if (uses.secretId !== '') yield [uses.secretId, uses.secretUsedAt]
  if (uses.otherSecrets !== undefined) yield* uses.otherSecrets
}
