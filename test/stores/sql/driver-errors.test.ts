import { describe, expect, it } from 'vitest'
import { isConnectionLost } from '../../../src/stores/sql/driver-errors.ts'

describe('isConnectionLost', () => {
  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated',
    'Client has encountered a connection error and is not queryable',
  ])('knows "%s"', (message) => {
    expect(isConnectionLost(new Error(message))).toBe(true)
  })

  it('does not take a server that never answers for a connection that died: it is not asked again and again', () => {
    expect(isConnectionLost(new Error('Connection terminated due to connection timeout'))).toBe(false)
  })
})
