/** A map that holds at most so many entries: one that has long not been used makes room for a new one. */
export interface BoundedMap<Value> {
  /** Counts as a use. */
  get(key: string): Value | undefined
  /** Does not count as a use. */
  peek(key: string): Value | undefined
  /** Counts as a use. Takes out what the key had before. */
  set(key: string, value: Value): void
  delete(key: string): void
  clear(): void
  size(): number
}

/**
 * Entries stand in two maps: those used since the last change of maps, and those not used since. Room is made among the second,
 * oldest first. Once that is empty, the maps change places. So an entry in use costs one look-up, is never moved, and counts as
 * used or not used: in exchange, which of two was used last is not known.
 *
 * @param max entries, at least 1
 * @param onRemoved told of each value that is taken out, also by `set` and `clear`
 */
export function createBoundedMap<Value extends object | number>(
  max: number,
  onRemoved: (value: Value, key: string) => void = () => {},
): BoundedMap<Value> {
  let used = new Map<string, Value>()
  let unused = new Map<string, Value>()
  /** Goes on where it left off: from the start, it would pass all that has been taken out each time. */
  let oldest = unused.keys()

  const peek = (key: string) => used.get(key) ?? unused.get(key)
  const size = () => used.size + unused.size

  function remove(key: string): void {
    const value = peek(key)
    if (value === undefined) return
    if (!used.delete(key)) unused.delete(key)
    onRemoved(value, key)
  }

  function makeRoom(): void {
    if (unused.size === 0) {
      ;[used, unused] = [unused, used]
      oldest = unused.keys()
    }
    const { value } = oldest.next()
    if (value !== undefined) remove(value)
  }

  return {
    get(key) {
      const value = used.get(key)
      if (value !== undefined) return value
      const returning = unused.get(key)
      if (returning === undefined) return undefined
      unused.delete(key)
      used.set(key, returning)
      return returning
    },
    peek,
    set(key, value) {
      remove(key)
      if (size() >= max) makeRoom()
      used.set(key, value)
    },
    delete: remove,
    clear() {
      const all = [...unused, ...used]
      used.clear()
      unused.clear()
      oldest = unused.keys()
      for (const [key, value] of all) onRemoved(value, key)
    },
    size,
  }
}
