/**
 * The stored status of a key. `paused`: refused with 429 until it is resumed. `revoked` is final. Expiry is
 * not stored: it follows from the key's times.
 */
export type KeyStatus = 'active' | 'paused' | 'revoked'

export const keyStatuses: readonly KeyStatus[] = ['active', 'paused', 'revoked']

/**
 * Whose pause it is. `workspace`: of somebody of the key's workspace, who may end it. `operator`: of whoever
 * runs the service.
 */
export type PausedBy = 'operator' | 'workspace'

export const pausers: readonly PausedBy[] = ['operator', 'workspace']
