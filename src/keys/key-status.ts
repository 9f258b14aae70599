/**
 * The stored status of a key. `paused`: refused with 429 until it is resumed. `revoked` is final. Expiry is
 * not stored: it follows from the key's times.
 */
export type KeyStatus = 'active' | 'paused' | 'revoked'

export const keyStatuses: readonly KeyStatus[] = ['active', 'paused', 'revoked']
