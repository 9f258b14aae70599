import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { base, startAdmin, tokens } from './admin-calls.ts'
import { documented } from './documented-key.ts'

describe('an Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'a' }

  it.each([
    [{ ...documented, name: 'Other' }],
    [{ ...documented, rate_limit_eps: 501 }],
    [{ ...documented, metadata: { a: 1 } }],
    [{ name: documented.name, source_type: documented.source_type }],
    [{ ...documented, environment: 'staging' }],
  ])('with another body is 422, and makes and changes nothing: %j', async (other) => {
    const { call, keys } = startAdmin()
    const { body: first } = await call('POST', base, { body: documented, headers })
    const answer = await call('POST', base, { body: other, headers })
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_field', field: 'Idempotency-Key' } })
    expect((await keys.list()).data).toMatchObject([{ id: first.id, name: 'Web App', version: 1 }])
  })

  it('is answered with the key also when the body spells the same in another order, and the key was changed since', async () => {
    const { call } = startAdmin()
    const body = { ...documented, metadata: { a: 1, b: { c: 2, d: 3 } } }
    const { body: first } = await call('POST', base, { body, headers })
    await call('PATCH', `${base}/${first.id}`, { body: { name: 'Renamed' } })
    const reordered = { metadata: { b: { d: 3, c: 2 }, a: 1 }, ...documented }
    const again = await call('POST', base, { body: reordered, headers })
    expect(again).toMatchObject({ status: 200, body: { id: first.id, name: 'Renamed' } })
  })

  it('is spent for good once its key was removed', async () => {
    const { call, keys } = startAdmin()
    const { body: first } = await call('POST', base, { body: documented, headers })
    await call('DELETE', `${base}/${first.id}`)
    for (const body of [documented, { ...documented, name: 'Other' }]) {
      const answer = await call('POST', base, { body, headers })
      expect(answer).toMatchObject({ status: 422, body: { field: 'Idempotency-Key' } })
    }
    expect((await keys.list()).data).toEqual([])
  })

  it('is answered with the key also when the moment that the body names has passed', async () => {
    const { call, time, keys } = startAdmin()
    const body = { ...documented, expires_at: new Date(time.now + 1_000).toISOString() }
    const { body: first } = await call('POST', base, { body, headers })
    time.now += 2_000
    const again = await call('POST', base, { body, headers })
    expect(again).toMatchObject({ status: 200, body: { id: first.id, effective_status: 'expired' } })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = await call('POST', base, { body: { ...body, name: 'Other' }, headers })
    expect(other).toMatchObject({ status: 422, body: { field: 'Idempotency-Key' } })
    const fresh = await call('POST', base, { body, headers: { 'idempotency-key': 'fresh' } })
    expect(fresh).toMatchObject({ status: 422, body: { field: 'expires_at' } })
    await call('DELETE', `${base}/${first.id}`)
    const spent = await call('POST', base, { body, headers })
    expect(spent).toMatchObject({ status: 422, body: { field: 'Idempotency-Key' } })
    expect((await keys.list()).data).toEqual([])
  })

  it('makes one key for many calls at once', async () => {
    const { call, keys } = startAdmin()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call('POST', base, { body: documented, headers })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(19).fill(200), 201])
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect((await keys.list()).data).toHaveLength(1)
  })

  it('belongs to its caller', async () => {
    const other = 'other-0123456789-0123456789-0123456789'
    const { call } = startAdmin({
      admin: { tokens: [...tokens, { name: 'other', token: other, role: 'admin' }] },
    })
    const mine = await call('POST', base, { body: documented, headers })
    const theirs = await call('POST', base, {
      body: { ...documented, name: 'Theirs' },
      headers,
      token: other,
    })
    expect([mine.status, theirs.status]).toEqual([201, 201])
    expect(theirs.body.id).not.toBe(mine.body.id)
  })

  it('means the same to every process, and after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'writekey-idempotency-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const url = `sqlite:${join(folder, 'keys.db')}`
    const start = () => {
      const admin = startAdmin({ keys: { store: createSqlStore({ url }) } })
      onTestFinished(() => admin.keys.close())
      return admin
    }
    const [one, two] = [start(), start()]
    const { body: first } = await one.call('POST', base, { body: documented, headers })
    expect((await two.call('POST', base, { body: documented, headers })).status).toBe(200)
    const other = { ...documented, name: 'Other' }
    expect((await two.call('POST', base, { body: other, headers })).status).toBe(422)
    await one.call('DELETE', `${base}/${first.id}`)
    await one.keys.close()
    for (const admin of [two, start()]) {
      expect((await admin.call('POST', base, { body: documented, headers })).status).toBe(422)
    }
    expect((await two.keys.list()).data).toEqual([])
  })
})
