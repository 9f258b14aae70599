import { createLargestFirst, type Holder, type LargestFirst } from './largest-first.ts'

/** Bytes held for the body of one request. Kept by `PendingBodies`. */
export interface BodyAccount {
  /** Undefined until the write key is known to be good. */
  readonly key: unknown
  heldBytes: number
  /** The part of them that was held before the key was known. */
  heldUnknownBytes: number
  /** Ends the reading of a body that comes in pieces; undefined once it is whole. */
  giveUp: (() => void) | undefined
  /** Its entry in the books, once there was need for them. */
  entry: BodyEntry | undefined
  /** Its room went to others: nothing more of it is kept. */
  lostRoom: boolean
}

/** A body that comes in pieces. */
interface BodyEntry {
  readonly account: BodyAccount
  readonly sender: SenderHolder
  bytes: number
}

/** One sender of one key. */
interface SenderHolder extends Holder {
  readonly key: KeyHolder
  readonly name: unknown
  /** What all its bodies hold. `readable` is the part of those that are still being read. */
  held: number
  bodies: number
  /** Bodies that are being read. The one that has waited longest for its next piece comes first. */
  readonly readings: Set<BodyEntry>
}

interface KeyHolder extends Holder {
  readonly name: unknown
  held: number
  readonly senders: Map<unknown, SenderHolder>
  readonly order: LargestFirst<SenderHolder>
}

/** How bodies are told apart. Asked only when there is no room, or when they wait for a turn. */
export interface HolderNames<Account> {
  /** The key; undefined for all bodies whose key is not known. */
  keyOf(account: Account): unknown
  /** The address, or whatever tells one sender of a key from the others. */
  senderOf(account: Account): unknown
}

/** The books on who holds how much, for bodies that come in pieces. */
export interface BodyHolders<Account extends BodyAccount> {
  /**
   * Notes bytes that have been added to `account.heldBytes`.
   * @param giveUp ends the reading; undefined: the body is whole
   */
  note(account: Account, bytes: number, giveUp: (() => void) | undefined): void
  /** The body has been read: its reading cannot be ended any more. */
  settle(account: Account): void
  remove(account: Account): void
  /**
   * A body that has to make room for more bytes of another: of the key that holds most, if that is more than
   * the other's key would hold; else of the sender of the same key that holds most, if that is more than the
   * other's sender would hold. Of the bodies of that sender, the most stalled one.
   */
  findBeyond(account: Account, bytes: number, withinKey: boolean): Account | undefined
}

/**
 * While there is room, a body in pieces costs a place in a set. When there is none, those of the set are
 * entered in the books, each once. All other work goes with the logarithm of their number.
 */
export function createBodyHolders<Account extends BodyAccount>(
  names: HolderNames<Account>,
): BodyHolders<Account> {
  const keys = new Map<unknown, KeyHolder>()
  const order = createLargestFirst<KeyHolder>()
  /** Bodies in pieces that are not in the books yet. */
  const fresh = new Set<Account>()

  function enter(account: Account): void {
    const [keyName, senderName] = [names.keyOf(account), names.senderOf(account)]
    const key = keys.get(keyName) ?? openKey(keys, order, keyName)
    const sender = key.senders.get(senderName) ?? openSender(key, senderName)
    sender.bodies++
    const entry = { account, sender, bytes: 0 }
    account.entry = entry
    add(entry, account.heldBytes, order)
  }

  function settle(account: Account): void {
    if (account.giveUp === undefined) return
    account.giveUp = undefined
    if (account.entry === undefined) return
    account.entry.sender.readings.delete(account.entry)
    addReadable(account.entry, -account.entry.bytes, order)
  }

  return {
    note(account, bytes, giveUp) {
      account.giveUp = giveUp
      if (account.entry !== undefined) add(account.entry, bytes, order)
      else if (giveUp !== undefined) {
        fresh.delete(account)
        fresh.add(account)
      }
    },
    settle,
    remove(account) {
      fresh.delete(account)
      settle(account)
      const { entry } = account
      if (entry === undefined) return
      addHeld(entry, -entry.bytes)
      account.entry = undefined
      const { sender } = entry
      const { key } = sender
      sender.bodies--
      if (sender.bodies > 0) return
      key.senders.delete(sender.name)
      key.order.remove(sender)
      if (key.senders.size > 0) return
      keys.delete(key.name)
      order.remove(key)
    },
    findBeyond(account, bytes, withinKey) {
      for (const one of fresh) enter(one)
      fresh.clear()
      const own = account.entry?.sender
      const ownKey = own?.key ?? keys.get(names.keyOf(account))
      // A body that is not in the books counts beside them.
      const asked = own === undefined ? account.heldBytes + bytes : bytes
      const largest = withinKey ? undefined : order.largest()
      if (largest !== undefined && largest.readable > (ownKey?.held ?? 0) + asked) return mostStalled(largest)
      if (ownKey === undefined) return undefined
      const ownSender = own ?? ownKey.senders.get(names.senderOf(account))
      const beside = ownKey.order.largest()
      const isBeyond = beside !== undefined && beside.readable > (ownSender?.held ?? 0) + asked
      return isBeyond ? mostStalled(ownKey) : undefined
    },
  }
}

function mostStalled<Account>(key: KeyHolder): Account | undefined {
  const [entry] = key.order.largest()?.readings ?? []
  return entry?.account as Account | undefined
}

function openKey(keys: Map<unknown, KeyHolder>, order: LargestFirst<KeyHolder>, name: unknown): KeyHolder {
  const key = {
    name,
    held: 0,
    readable: 0,
    place: 0,
    senders: new Map(),
    order: createLargestFirst<SenderHolder>(),
  }
  keys.set(name, key)
  order.add(key)
  return key
}

function openSender(key: KeyHolder, name: unknown): SenderHolder {
  const sender = { key, name, held: 0, readable: 0, place: 0, bodies: 0, readings: new Set<BodyEntry>() }
  key.senders.set(name, sender)
  key.order.add(sender)
  return sender
}

function addHeld({ sender }: BodyEntry, bytes: number): void {
  sender.held += bytes
  sender.key.held += bytes
}

function addReadable({ sender }: BodyEntry, bytes: number, order: LargestFirst<KeyHolder>): void {
  const { key } = sender
  sender.readable += bytes
  key.readable += bytes
  key.order.moved(sender)
  order.moved(key)
}

function add(entry: BodyEntry, bytes: number, order: LargestFirst<KeyHolder>): void {
  entry.bytes += bytes
  addHeld(entry, bytes)
  if (entry.account.giveUp === undefined) return
  entry.sender.readings.delete(entry)
  entry.sender.readings.add(entry)
  addReadable(entry, bytes, order)
}
