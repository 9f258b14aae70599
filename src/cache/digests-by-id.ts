/** Which digests of a key's secrets are cached. */
export interface DigestsById {
  get(keyId: string): readonly string[]
  add(keyId: string, digest: string): void
  remove(keyId: string, digest: string): void
}

/**
 * Nearly all keys have one secret in use. Its digest is kept as a string, because a list of one takes 60
 * bytes more.
 */
export function createDigestsById(): DigestsById {
  const digests = new Map<string, string | readonly string[]>()

  function get(keyId: string): readonly string[] {
    const held = digests.get(keyId)
    return typeof held === 'string' ? [held] : (held ?? [])
  }

  function set(keyId: string, held: readonly string[]): void {
    const [first] = held
    if (first === undefined) digests.delete(keyId)
    else digests.set(keyId, held.length === 1 ? first : held)
  }

  const without = (keyId: string, digest: string) => get(keyId).filter((held) => held !== digest)
  return {
    get,
    add: (keyId, digest) => set(keyId, [...without(keyId, digest), digest]),
    remove: (keyId, digest) => set(keyId, without(keyId, digest)),
  }
}
