import { describe, expect, it } from 'vitest'
import type { FieldValues } from '../../src/http/ingest-request.ts'
import { createAddressFinder } from '../../src/rules/client-address.ts'
import { createClientOf } from '../../src/verifier/client.ts'
import { credentialsOption } from '../../src/verifier/credentials-option.ts'
import { createVisit } from '../../src/verifier/visit.ts'

const usual = { credentials: credentialsOption(undefined, 'credentials'), batchFields: ['batch'] }
const visitFrom = (ip?: string, headers: FieldValues = {}) =>
  createVisit({ method: 'POST', path: '/v1/track', headers, ...(ip !== undefined && { ip }) }, usual)

describe('the client of a request', () => {
  it.each([
    ['known', '203.0.113.7', '203.0.113.7'],
    ['not known', undefined, undefined],
  ])('is looked for once when it is %s', (_, ip, expected) => {
    let searches = 0
    const find = createAddressFinder(undefined)
    const client = createClientOf((...about) => {
      searches++
      return find(...about)
    })
    const visit = visitFrom(ip)
    client.sourceOf(visit)
    expect(client.addressOf(visit)?.text).toBe(expected)
    expect(client.addressOf(visit)?.text).toBe(expected)
    expect(searches).toBe(1)
  })

  it('pays by its own address behind a proxy, and by that of the socket if it cannot be told', () => {
    const { addressOf, sourceOf } = createClientOf(createAddressFinder(['10.0.0.0/8']))
    const named = visitFrom('10.0.0.1', { 'x-forwarded-for': '203.0.113.7' })
    expect(addressOf(named)?.text).toBe('203.0.113.7')
    expect(sourceOf(named)).toBe(sourceOf(visitFrom('203.0.113.7')))
    const hidden = visitFrom('10.0.0.1', { 'x-forwarded-for': 'unknown' })
    expect(addressOf(hidden)).toBeUndefined()
    expect(sourceOf(hidden)).toBe(sourceOf(visitFrom('10.0.0.1')))
    expect(sourceOf(hidden)).not.toBe(sourceOf(named))
    expect(sourceOf(visitFrom())).toBe('unknown')
  })

  it('shares what it pays with its whole network of IPv6', () => {
    const { sourceOf } = createClientOf(createAddressFinder(undefined))
    const source = sourceOf(visitFrom('2001:db8:1:2::1'))
    expect(sourceOf(visitFrom('2001:db8:1:2:3:4:5:6'))).toBe(source)
    expect(sourceOf(visitFrom('2001:db8:1:3::1'))).not.toBe(source)
  })
})
