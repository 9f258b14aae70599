import { type BodyAccount, createBodyHolders, type HolderNames } from './body-holders.ts'

/** All bodies under way in one process, from their first byte to the verdict. */
export interface PendingBodies<Account extends BodyAccount = BodyAccount> {
  /**
   * Counts bytes that are about to be kept. False when there is no room, or when the body's room has gone to
   * others; then nothing is counted.
   *
   * Where there is no room, bodies that are being read for those who hold more make room: their readings are
   * ended.
   *
   * @param giveUp ends the reading of this body; called at most once, during a call for another body. Without
   * it the body keeps its room.
   */
  hold(account: Account, bytes: number, giveUp?: () => void): boolean
  /** The body has been read: it keeps its room until it is released. */
  settle(account: Account): void
  /** Gives back all that an account holds. */
  release(account: Account): void
}

/** The part that bodies of unknown senders may take. */
const unknownPart = 0.25

/** All bodies of a key are one holder's. */
const byKey: HolderNames<BodyAccount> = { keyOf: ({ key }) => key, senderOf: () => undefined }

/**
 * Counts what is really held: bytes as they arrive and as they are inflated, not what a header claims.
 *
 * A key alone may take all the room. When others come, each key has an equal share of it, and within a key
 * each sender has: whoever would hold less than the largest holder takes room from that one's bodies. All
 * bodies whose key is not known count as those of one key.
 *
 * @param maxBytes for all bodies together
 */
export function createPendingBodies<Account extends BodyAccount = BodyAccount>(
  maxBytes: number,
  names: HolderNames<Account> = byKey,
): PendingBodies<Account> {
  const holders = createBodyHolders(names)
  const maxUnknown = maxBytes * unknownPart
  let held = 0
  let heldUnknown = 0

  function release(account: Account): void {
    held -= account.heldBytes
    heldUnknown -= account.heldUnknownBytes
    account.heldBytes = 0
    account.heldUnknownBytes = 0
    holders.remove(account)
  }

  function fits(bytes: number, isUnknown: boolean): boolean {
    return held + bytes <= maxBytes && !(isUnknown && heldUnknown + bytes > maxUnknown)
  }

  /** Ends readings of larger holders until the bytes fit. */
  function makeRoom(account: Account, bytes: number, isUnknown: boolean): boolean {
    if (account.heldBytes + bytes > (isUnknown ? maxUnknown : maxBytes)) return false
    do {
      const isQuarterFull = isUnknown && heldUnknown + bytes > maxUnknown
      const ended = holders.findBeyond(account, bytes, isQuarterFull)
      if (ended === undefined) return false
      const { giveUp } = ended
      ended.lostRoom = true
      release(ended)
      giveUp?.()
    } while (!fits(bytes, isUnknown))
    return true
  }

  return {
    hold(account, bytes, giveUp) {
      if (account.lostRoom) return false
      const isUnknown = account.key === undefined
      if (!fits(bytes, isUnknown) && !makeRoom(account, bytes, isUnknown)) return false
      held += bytes
      account.heldBytes += bytes
      if (isUnknown) {
        heldUnknown += bytes
        account.heldUnknownBytes += bytes
      }
      holders.note(account, bytes, giveUp)
      return true
    },
    settle: holders.settle,
    release,
  }
}
