import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { startAdmin } from './admin-calls.ts'

const refusals: Record<
  string,
  { query?: string; headers?: Record<string, string>; body?: unknown; token?: null }
> = {
  'an unknown parameter': { query: '?nonsense=1' },
  'a version that is none': { headers: { 'if-match': 'nonsense' } },
  'an Idempotency-Key that is none': { headers: { 'idempotency-key': ' ' } },
  'a caller that it is not': { headers: { 'x-writekey-caller': '[]' } },
  'a page of another site': { headers: { 'sec-fetch-site': 'cross-site' } },
  'no token': { token: null },
  'an unknown field': { body: { nonsense: 1 } },
  'no JSON': { body: '{' },
  'a body of another type': { body: '{}', headers: { 'content-type': 'text/plain' } },
  'an id that is not there': { body: {} },
}

it.each(Object.entries(refusals))(
  'every operation describes its answer to %s',
  async (_, { query = '', ...sent }) => {
    const { call } = startAdmin()
    const { paths } = (await call('GET', '/api/v1/openapi.json')).body
    for (const [path, operations] of Object.entries<Record<string, { responses: object }>>(paths)) {
      for (const [method, { responses }] of Object.entries(operations)) {
        const { body, ...rest } = sent
        const answer = await call(method.toUpperCase(), path.replace(/\{\w+\}/g, 'wk_nobody') + query, {
          ...rest,
          ...(body !== undefined && method !== 'get' && { body }),
        })
        if (query !== '') expect([method, path, answer.status]).toEqual([method, path, 422])
        expect([method, path, Object.keys(responses)]).toEqual([
          method,
          path,
          expect.arrayContaining([String(answer.status)]),
        ])
      }
    }
  },
)

it('docs/management.md names every status of a refusal that the description has', async () => {
  const { call } = startAdmin()
  const { paths } = (await call('GET', '/api/v1/openapi.json')).body
  const text = await readFile(new URL('../../docs/management.md', import.meta.url), 'utf8')
  const told = /- \*\*Refusals\*\* [\s\S]*?\n- /.exec(text)?.[0]
  const statuses = new Set(
    Object.values<Record<string, { responses: object }>>(paths).flatMap((operations) =>
      Object.values(operations).flatMap(({ responses }) => Object.keys(responses)),
    ),
  )
  for (const status of statuses) if (Number(status) >= 400) expect(told).toContain(status)
})
