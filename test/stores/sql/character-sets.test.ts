import { afterEach, expect, it } from 'vitest'
import { createAdminApi } from '../../../src/admin/index.ts'
import { createWriteKeys, type WriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { adminToken, base, callApi, tokens } from '../../admin/admin-calls.ts'
import { describeWithService } from '../../services.ts'
import { useMysqlDatabase, usePostgresDatabase } from './databases.ts'

const opened: WriteKeys[] = []

afterEach(async () => {
  for (const keys of opened.splice(0)) await keys.close()
})

function open(url: string) {
  const keys = createWriteKeys({ store: createSqlStore({ url }), cache: { leaseMs: 50 } })
  opened.push(keys)
  return { keys, call: callApi(createAdminApi(keys, { tokens })) }
}

const plain = { name: 'Web', source_type: 'web' }

describeWithService('postgres', 'keys in a LATIN1 database', (address) => {
  const database = usePostgresDatabase(address, 'LATIN1')

  it('hold what LATIN1 holds', async () => {
    const { call } = open(database.url)
    const body = { ...plain, name: 'Café Zürich', metadata: { owner: 'Søren' } }
    expect(await call('POST', base, { body })).toMatchObject({ status: 201, body })
    expect((await call('GET', `${base}?q=caf%C3%A9`)).body.data).toMatchObject([{ name: 'Café Zürich' }])
  })

  it.each([
    ['name', { name: 'Ω shop' }],
    ['name', { name: '😀' }],
    ['allowed_event_names', { allowed_event_names: ['Signed Up', '購入'] }],
    ['denied_event_names', { denied_event_names: ['€*'] }],
    ['metadata', { metadata: { note: 'naïve', owner: { name: 'Łukasz' } } }],
    ['metadata', { name: 'Café', metadata: { '✓': 1 } }],
  ])('name the field %s of a character that it does not hold: %j', async (field, fields) => {
    const { call, keys } = open(database.url)
    const before = (await keys.list()).data.length
    const created = await call('POST', base, { body: { ...plain, ...fields } })
    expect(created).toMatchObject({ status: 422, body: { code: 'invalid_field', field } })
    expect((await keys.list()).data).toHaveLength(before)

    const { body: key } = await call('POST', base, { body: plain })
    const changed = await call('PATCH', `${base}/${key.id}`, { body: fields })
    expect(changed).toMatchObject({ status: 422, body: { code: 'invalid_field', field } })
    expect((await keys.get(key.id)).version).toBe(1)
  })

  it('are searched for what the database cannot hold, and not found', async () => {
    const { call } = open(database.url)
    expect(await call('GET', `${base}?q=%E2%9C%93`)).toMatchObject({ status: 200, body: { data: [] } })
  })

  it('are changed by nobody whose name it does not hold, and say so', async () => {
    const { keys } = open(database.url)
    const change = { actor: { name: 'Ωμέγα' } }
    await expect(keys.create({ name: 'Web', sourceType: 'web' }, change)).rejects.toMatchObject({
      code: 'invalid_field',
      field: 'actor',
    })
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    await expect(keys.revoke(writeKey.id, change)).rejects.toMatchObject({ field: 'actor' })
    await expect(keys.remove(writeKey.id, change)).rejects.toMatchObject({ field: 'actor' })
  })

  it('are verified all the same, whatever senders send', async () => {
    const { keys, call } = open(database.url)
    const { body } = await call('POST', base, { body: plain })
    const verdict = await keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${body.key}:`)}` },
      body: { event: '購入 😀' },
    })
    expect(verdict.ok).toBe(true)
    expect(await keys.usage(body.id)).toMatchObject({ acceptedTotal: 1 })
  })
})

describeWithService('postgres', 'text that no PostgreSQL database holds', (address) => {
  const database = usePostgresDatabase(address)

  it.each([
    ['name', { name: 'a\0b' }],
    ['name', { name: 'a\ud800b' }],
    ['metadata', { metadata: { note: 'a\0b' } }],
  ])('is refused naming %s: %j', async (field, fields) => {
    const { call } = open(database.url)
    const answer = await call('POST', base, { body: { ...plain, ...fields } })
    expect(answer).toMatchObject({ status: 422, body: { field } })
  })

  it.each(['q=%00', 'q=a%00b', 'environment=a%00', 'cursor=%00', 'key_id=%00'])(
    'is no outage in ?%s',
    async (query) => {
      const { call } = open(database.url)
      expect((await call('GET', `${base}?${query}`)).status).toBeOneOf([200, 422])
      expect((await call('GET', `/api/v1/events/audit-log?${query}`)).status).toBe(422)
    },
  )

  it('in the name of who asks is replaced, so that nobody is locked out by it', async () => {
    const { keys } = open(database.url)
    const { writeKey } = await keys.create(
      { name: 'Web', sourceType: 'web' },
      { actor: { name: 'a\0b\ud800c\u202e', address: '192.0.2.1\0' } },
    )
    const { data } = await keys.audit({ keyId: writeKey.id })
    expect(data).toMatchObject([{ actor: 'a?b?c?', address: '192.0.2.1?' }])
  })
})

describeWithService('mysql', 'keys in MySQL', (address) => {
  const database = useMysqlDatabase(address)

  it.each(['', '?charset=latin1', '?charset=utf8mb3_general_ci', '?charsetNumber=8'])(
    'hold every character, whatever the character set of database and URL: %j',
    async (parameters) => {
      const { call } = open(`${database.url}${parameters}`)
      const body = {
        ...plain,
        name: 'Ω 購入 😀',
        allowed_event_names: ['✓ 😀*'],
        metadata: { note: 'Łódź 😀' },
      }
      const created = await call('POST', base, { body, token: adminToken })
      expect(created.status).toBe(201)
      expect((await open(database.url).call('GET', `${base}/${created.body.id}`)).body).toMatchObject(body)
    },
  )
})
