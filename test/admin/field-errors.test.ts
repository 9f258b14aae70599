import { expect, it } from 'vitest'
import { base, startAdmin, tokens } from './admin-calls.ts'

const shop = { name: 'Shop', source_type: 'web' }

it.each([
  [{ expires_at: '2020-01-01' }, 'expires_at', /^expires_at must be a moment in ISO 8601 with a zone/],
  [{ name: 'a'.repeat(201) }, 'name', 'name must have 1 to 100 characters'],
  [{ name: '\u200b' }, 'name', 'name must have a character that people can see'],
  [{ name: ' \u3164\u00ad' }, 'name', 'name must have a character that people can see'],
  [{ name: 5 }, 'name', 'name must be a string'],
  [{ name: undefined }, 'name', 'name is missing'],
  [{ source_type: 'tv' }, 'source_type', 'source_type must be one of web, mobile, server, other'],
  [{ rate_limit_eps: 2e6 }, 'rate_limit_eps', 'rate_limit_eps must be at most 1000000'],
  [{ allowed_ips: {} }, 'allowed_ips', 'allowed_ips must be a list'],
  [
    { trial: { rate_limit_eps: 2e6 } },
    'trial.rate_limit_eps',
    'trial.rate_limit_eps must be at most 1000000',
  ],
  [{ trial: { name: 'x' } }, 'trial.name', 'trial.name is not a field of this call'],
  [{ trial: { nme: 'x' } }, 'trial.nme', 'trial.nme is not a field of this call'],
  [{ trial: { allowed_origins: ['x'] } }, 'trial.allowed_origins', /^trial\.allowed_origins\[0\]/],
] as const)('%j is refused with the field and what to write instead', async (fields, field, detail) => {
  const { call, keys } = startAdmin()
  const answer = await call('POST', base, { body: { ...shop, ...fields } })
  expect(answer).toMatchObject({
    status: 422,
    body: { field, detail: typeof detail === 'string' ? detail : expect.stringMatching(detail) },
  })
  expect((await keys.list()).data).toEqual([])
})

it('a number that JSON cannot hold is refused, instead of stored as null', async () => {
  const { call, keys } = startAdmin()
  const { writeKey } = await keys.create({ name: 'Shop', sourceType: 'web', metadata: { a: 1 } })
  const answer = await call('PATCH', `${base}/${writeKey.id}`, { body: '{"metadata":{"a":[1e999]}}' })
  expect(answer).toMatchObject({ status: 422, body: { field: 'metadata' } })
  expect((await keys.get(writeKey.id)).metadata).toEqual({ a: 1 })
})

it('a body that is nested too deeply is told so', async () => {
  const { call } = startAdmin()
  const deep = `${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}`
  const answer = await call('POST', base, { body: `{"name":"a","source_type":"web","metadata":${deep}}` })
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_json' } })
  expect(answer.body.detail).toContain('at most 1024 levels deep')
})

it('a rate on trial above the plan names the rule on trial', async () => {
  const customer = 'acme-0123456789-0123456789-0123456789'
  const { call } = startAdmin({
    keys: { plans: { free: { rateLimitEps: 50 } }, defaultPlan: 'free' },
    admin: { tokens: [...tokens, { name: 'acme', token: customer, role: 'admin', workspace: 'acme' }] },
  })
  const body = { ...shop, trial: { rate_limit_eps: 51 } }
  const answer = await call('POST', base, { token: customer, body })
  expect(answer).toMatchObject({ status: 422, body: { field: 'trial.rate_limit_eps' } })
  expect(answer.body.detail).toMatch(/^trial\.rate_limit_eps must be at most 50/)
})

it('a field that cannot be on trial is named with trial by an import as well', async () => {
  const { call } = startAdmin()
  const item = { ...shop, key_hash: 'a'.repeat(64), trial: { name: 'x' } }
  const { body } = await call('POST', `${base}/import`, { body: { write_keys: [item] } })
  expect(body.results).toMatchObject([{ ok: false, code: 'invalid_field', field: 'trial.name' }])
})
