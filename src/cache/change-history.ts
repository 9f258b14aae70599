/** Keys whose last change is remembered individually. */
const maxRemembered = 1_024

/**
 * Which keys have changed lately, as far as this process knows. A read that began before its key changed must
 * not be kept; a read of another key may.
 */
export interface ChangeHistory {
  /** Grows with every change. */
  generation(): number
  note(keyIds: readonly string[] | 'all'): void
  /** Whether nothing has happened to this key since that generation. `undefined`: to any key. */
  none(since: number, keyId: string | undefined): boolean
}

export function createChangeHistory(): ChangeHistory {
  let generation = 0
  /** It is no longer known which keys older changes were of. */
  let knownFrom = 0
  const changedAt = new Map<string, number>()

  return {
    generation: () => generation,
    note(keyIds) {
      generation++
      if (keyIds === 'all') {
        knownFrom = generation
        changedAt.clear()
        return
      }
      for (const keyId of keyIds) {
        // Removed first, so that the map stays in the order of the changes.
        changedAt.delete(keyId)
        changedAt.set(keyId, generation)
      }
      for (const [keyId, at] of changedAt) {
        if (changedAt.size <= maxRemembered) break
        changedAt.delete(keyId)
        knownFrom = at
      }
    },
    none(since, keyId) {
      if (since === generation) return true
      if (keyId === undefined || since < knownFrom) return false
      return (changedAt.get(keyId) ?? 0) <= since
    },
  }
}
