/** Bytes held for the body of one request. Kept by {@link PendingBodies}. */
export interface BodyAccount {
  /** Undefined until the write key is known to be good. */
  readonly key: unknown
  heldBytes: number
  /** The part of them that was held before the key was known. */
  heldUnknownBytes: number
}

/** All bodies under way in one process, from their first byte to the verdict. */
export interface PendingBodies {
  /** Counts bytes that are about to be kept. False when there is no room; then nothing is counted. */
  hold(account: BodyAccount, bytes: number): boolean
  /** Gives back all that an account holds. */
  release(account: BodyAccount): void
}

/** The part that bodies of unknown senders may take. */
const unknownPart = 0.25

/**
 * Counts what is really held: bytes as they arrive and as they are inflated, not what a header claims.
 * @param maxBytes for all bodies together
 */
export function createPendingBodies(maxBytes: number): PendingBodies {
  let held = 0
  let heldUnknown = 0

  return {
    hold(account, bytes) {
      const isUnknown = account.key === undefined
      if (held + bytes > maxBytes) return false
      if (isUnknown && heldUnknown + bytes > maxBytes * unknownPart) return false
      held += bytes
      account.heldBytes += bytes
      if (isUnknown) {
        heldUnknown += bytes
        account.heldUnknownBytes += bytes
      }
      return true
    },
    release(account) {
      held -= account.heldBytes
      heldUnknown -= account.heldUnknownBytes
      account.heldBytes = 0
      account.heldUnknownBytes = 0
    },
  }
}
