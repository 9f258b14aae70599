import { expect, it } from 'vitest'
import { startAdmin } from './admin-calls.ts'

const { call, keys } = startAdmin()
const { body: description } = await call('GET', '/api/v1/openapi.json')
type Described = { operationId: string; parameters?: { in: string; name: string }[] }
const operations = Object.entries(description.paths as Record<string, Record<string, Described>>).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, described]) => ({ path, method, described })),
)
const { writeKey } = await keys.create({ name: 'Shop', sourceType: 'web' })

const cases = operations.flatMap(({ path, method, described }) =>
  ['If-Match', 'Idempotency-Key']
    .filter((header) => !described.parameters?.some((one) => one.in === 'header' && one.name === header))
    .map((header) => ({ call: described.operationId, header, method: method.toUpperCase(), path })),
)

it('are tried with every call', () => {
  expect(operations.length).toBeGreaterThan(20)
  expect(cases.length).toBeGreaterThan(operations.length)
})

it.each(cases)('$call refuses $header, which it would not keep', async ({ header, method, path }) => {
  const target = path.replace('{id}', writeKey.id).replace(/\{\w+\}/, writeKey.secrets[0]?.id as string)
  const answer = await call(method, target, { headers: { [header]: '"1"' } })
  expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_field', field: header } })
})
