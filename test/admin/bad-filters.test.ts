import { describe, expect, it } from 'vitest'
import { adminToken, base, startAdmin, tokens } from './admin-calls.ts'

const events = '/api/v1/events'
const customerToken = 'customer-0123456789-0123456789-0123456789'
const customer = { name: 'acme', token: customerToken, role: 'admin', workspace: 'acme' } as const

function start() {
  return startAdmin({ admin: { tokens: [...tokens, customer] } })
}

describe('a filter with a value that nothing can have', () => {
  it.each([
    ['/audit-log?key_id=zz', 'key_id'],
    ['/problems?key_id=zz', 'key_id'],
    ['/debugger?key_id=zz', 'key_id'],
    ['/anomalies?key_id=zz', 'key_id'],
    ['/debugger?key_id=', 'key_id'],
    ['/debugger?name=', 'name'],
    ['/debugger?type=', 'type'],
    ['/debugger?origin=', 'origin'],
    ['/debugger?address=', 'address'],
    ['/write-keys?environment=a%20b', 'environment'],
    ['/write-keys?environment=', 'environment'],
    ['/usage?environment=a%20b', 'environment'],
    ['/write-keys?plan=a%20b', 'plan'],
    ['/write-keys?workspace=a%20b', 'workspace'],
    ['/usage?workspace=a%20b', 'workspace'],
    ['/audit-log?workspace=a%20b', 'workspace'],
  ])('is refused in %s, whoever asks', async (path, field) => {
    const { call } = start()
    for (const token of [adminToken, customerToken])
      expect(await call('GET', events + path, { token })).toMatchObject({ status: 422, body: { field } })
  })
})

it('a caller of one workspace who asks for another gets what there would be without keys', async () => {
  const { call, keys } = start()
  await keys.create({ name: 'Theirs', sourceType: 'web', workspace: 'globex' })
  await keys.create({ name: 'Own', sourceType: 'web', workspace: 'acme' })
  for (const path of ['/write-keys', '/usage', '/audit-log']) {
    const asked = (token: string, workspace: string) =>
      call('GET', `${events}${path}?workspace=${workspace}`, { token })
    const other = await asked(customerToken, 'globex')
    expect(other.status).toBe(200)
    expect(other.body).toEqual((await asked(customerToken, 'nobody')).body)
    expect(other.body).toEqual((await asked(adminToken, 'nobody')).body)
    expect((await asked(customerToken, 'acme')).body.data).toHaveLength(path === '/usage' ? 0 : 1)
  }
})

it('a cursor continues the order that it comes from, and no other', async () => {
  const { call, keys } = start()
  for (const name of ['a', 'b', 'c']) await keys.create({ name, sourceType: 'web' })
  const sorts = ['name', '-name', 'environment', 'source_type', 'created_at', 'last_event_at', '-events_24h']
  for (const sort of sorts) {
    const { body } = await call('GET', `${base}?limit=1&sort=${sort}`)
    for (const other of sorts) {
      const answer = await call('GET', `${base}?limit=1&sort=${other}&cursor=${body.next_cursor}`)
      expect([sort, other, answer.status]).toEqual([sort, other, sort === other ? 200 : 422])
      if (sort !== other) expect(answer.body.field).toBe('cursor')
    }
    expect((await call('GET', `${events}/audit-log?cursor=${body.next_cursor}`)).status).toBe(422)
  }
})

it('a cursor of an earlier release, which names no order, still continues', async () => {
  const { call, keys } = start()
  for (const name of ['a', 'b']) await keys.create({ name, sourceType: 'web' })
  const [first] = (await call('GET', `${base}?sort=name`)).body.data
  const earlier = Buffer.from(JSON.stringify(['a', first.id])).toString('base64url')
  const { body } = await call('GET', `${base}?sort=name&cursor=${earlier}`)
  expect(body.data).toMatchObject([{ name: 'b' }])
})
