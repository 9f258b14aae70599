/**
 * What was decided about a key. `paused`: refused with 429 until it is resumed. `revoked` is final. That a
 * key has expired follows from its times.
 */
export type KeyStatus = 'active' | 'paused' | 'revoked'

export const keyStatuses: readonly KeyStatus[] = ['active', 'paused', 'revoked']
