import { describe, expect, it } from 'vitest'
import { goldenRequests } from '../../src/testing/adapter/golden/golden-requests.ts'
import { createGoldenServers } from '../../src/testing/adapter/golden/servers.ts'

describe('golden requests', () => {
  it('have names of their own', () => {
    const names = goldenRequests.map((request) => request.name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it('name servers that exist, and leave none unused', () => {
    const named = new Set(goldenRequests.map((request) => request.server ?? 'standard'))
    expect([...named].toSorted()).toEqual(Object.keys(createGoldenServers()).toSorted())
  })

  it('show every answer of the reason table', () => {
    const codes = goldenRequests
      .filter((request) => request.expected.status >= 400)
      .map(({ expected }) => `${expected.status} ${JSON.parse(expected.body).code}`)
    expect([...new Set(codes)].toSorted()).toEqual([
      '400 event_type_mismatch',
      '400 invalid_event',
      '400 invalid_json',
      '400 invalid_path',
      '400 unexpected_body',
      '401 invalid_write_key',
      '403 event_name_not_allowed',
      '403 event_type_not_allowed',
      '403 ip_not_allowed',
      '403 origin_not_allowed',
      '413 payload_too_large',
      '413 too_many_events',
      '415 unsupported_encoding',
      '429 rate_limited',
      '429 too_many_failures',
      '503 busy',
      '503 store_unavailable',
    ])
  })
})
