/** Where the accepted requests of one key came from, and the refused ones from elsewhere. */
export interface KnownSenders {
  /** Takes note of an accepted request. */
  remember(origin: string | undefined, address: string | undefined): void
  /**
   * Takes note of a refused request from somewhere no accepted one came from.
   * @returns how many there were from there in this window; 0 = it is known, or cannot be remembered.
   */
  countUnseen(property: 'origin' | 'address', text: string | undefined): number
  /** Begins a new window. */
  closeWindow(): void
}

/** Origins, addresses, and places of refusals that are remembered, of each. */
const maxSeen = 64
/** A longer origin or address is not remembered. */
export const maxSenderLength = 300

export function createKnownSenders(): KnownSenders {
  const known = { origin: new Set<string>(), address: new Set<string>() }
  /** Refusals in the current window, by `origin ` or `address ` and its text. */
  const unseen = new Map<string, number>()

  return {
    remember(origin, address) {
      rememberIn(known.origin, origin)
      rememberIn(known.address, address)
    },
    countUnseen(property, text) {
      const seen = known[property]
      if (text === undefined || text.length > maxSenderLength || seen.has(text) || seen.size >= maxSeen)
        return 0
      const name = `${property} ${text}`
      const count = (unseen.get(name) ?? 0) + 1
      if (unseen.size < maxSeen || unseen.has(name)) unseen.set(name, count)
      return count
    },
    closeWindow: () => unseen.clear(),
  }
}

function rememberIn(seen: Set<string>, text: string | undefined): void {
  if (text !== undefined && text.length <= maxSenderLength && seen.size < maxSeen) seen.add(text)
}
