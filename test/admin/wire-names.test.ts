import { describe, expect, it } from 'vitest'
import { base, startAdmin } from './admin-calls.ts'

const key = { name: 'Web App', source_type: 'web' }
const hash = 'a'.repeat(64)

/** Calls that are refused for one field, by the name that the field has on the wire. */
const calls: [method: string, path: string, body: object | undefined, field: string][] = [
  ['POST', '', { ...key, expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
  ['PATCH', '/{id}', { expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
  ['PATCH', '/{id}', { denied_event_names: ['*x'] }, 'denied_event_names'],
  ['POST', '/{id}/rotate', { grace_period_hours: 721 }, 'grace_period_hours'],
  ['GET', '?source_type=tv', undefined, 'source_type'],
  ['GET', '?sort=nothing', undefined, 'sort'],
  ['GET', '/../usage?group_by=nothing', undefined, 'group_by'],
  ['GET', '/../audit-log?key_id=nothing', undefined, 'key_id'],
  ['POST', '/import', { write_keys: 5 }, 'write_keys'],
]

describe('names of fields in refusals of the HTTP API', () => {
  it.each(calls)('are spelled as on the wire: %s %s %j', async (method, path, body, field) => {
    const { call } = startAdmin()
    const { id } = (await call('POST', base, { body: key })).body
    const target = path.startsWith('/..') ? base.replace('/write-keys', path.slice(3)) : base + path
    const answer = await call(method, target.replace('{id}', String(id)), body && { body })
    expect(answer).toMatchObject({ status: 422, body: { field } })
    expect(answer.body.detail).toMatch(new RegExp(`^${field}\\b`))
    expect(JSON.stringify(answer.body)).not.toMatch(/[a-z][A-Z]/)
  })

  it('are spelled so in the results of an import', async () => {
    const { call } = startAdmin()
    const items = [
      { ...key, key: 'k'.repeat(20), expires_at: '2020-01-01T00:00:00Z' },
      { ...key, key: 'k'.repeat(20), key_hash: hash },
    ]
    const { body } = await call('POST', `${base}/import`, { body: { write_keys: items } })
    expect(body.results).toMatchObject([{ field: 'expires_at' }, { field: 'key_hash' }])
    expect(JSON.stringify(body)).not.toMatch(/(expiresAt|keyHash)/)
  })

  it('are told of whoever sends them in camel case', async () => {
    const { call } = startAdmin()
    const answer = await call('POST', base, { body: { ...key, expiresAt: null } })
    expect(answer.body.detail).toBe(
      'expiresAt is not a field of this call; names are in snake case here, such as expires_at',
    )
  })
})
