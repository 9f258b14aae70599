import { afterAll, describe, expect, it } from 'vitest'
import { base, startAdmin } from './admin-calls.ts'

const { call, keys } = startAdmin()
afterAll(() => keys.close())

const good = { name: 'Web', source_type: 'web' }
const polluting = JSON.parse('{"__proto__":{"admin":true}}')
/** Stands for 5 000 arrays in one another, which `JSON.stringify` could not write. */
const deep = 'deep'
const deepText = `${'['.repeat(5_000)}${']'.repeat(5_000)}`

function toText(body: unknown): string {
  if (typeof body === 'string' && body !== deep) return body
  return JSON.stringify(body).replace('"deep"', deepText)
}

/** Values that no field of a key may have, whatever its type. */
const never: unknown[] = [
  true,
  -1,
  1e308,
  '\0',
  'a\r\nSet-Cookie: x=1',
  '<script>alert(1)</script>\u2028',
  'x'.repeat(5_000),
  '\ud800',
  [[]],
  [null],
  [{ toSqlString: 'x' }],
  polluting,
  deep,
]
/** Objects are what `metadata` is for. */
const objects: unknown[] = [{}, { toSqlString: 'x' }, { toString: 'x', valueOf: 'y' }, { length: 1e9 }]
const fields = [
  'name',
  'source_type',
  'environment',
  'rate_limit_eps',
  'allowed_event_types',
  'allowed_event_names',
  'denied_event_names',
  'allowed_origins',
  'allowed_ips',
  'denied_ips',
  'expires_at',
  'metadata',
]
const unknownFields = [
  'id',
  'key',
  'status',
  'secrets',
  'hash',
  'key_hash',
  'version',
  'createdAt',
  'created_at',
  'revoked_at',
  'sourceType',
  'userId',
  'isAdmin',
  'role',
  'constructor',
  'toString',
  'hasOwnProperty',
  '__proto__',
]

const spoiled = fields.flatMap((field) =>
  [...never, ...(field === 'metadata' ? [] : objects)].map((value) => ({
    field,
    body: { ...good, [field]: value },
  })),
)
const unknown = unknownFields.map((field) => ({
  field,
  body: `{"name":"Web","source_type":"web",${JSON.stringify(field)}:"x"}`,
}))
/** Not even an object, or without what is required. */
const shapeless = [
  null,
  true,
  1,
  '"text"',
  [],
  [good],
  {},
  { name: 'Web' },
  { source_type: 'web' },
  deep,
].map((body) => ({
  field: undefined,
  body,
}))
const broken = [
  '{',
  '{"name":',
  '\0',
  '\ufeff',
  "{'name':'x'}",
  '{"name":"a",}',
  'NaN',
  '<xml/>',
  'name=x&source_type=web',
]
const updates = fields
  .filter((field) => field !== 'environment')
  .flatMap((field) => never.slice(0, 9).map((value) => ({ field, body: { [field]: value } })))

describe('hostile bodies', () => {
  it(`are refused naming the field, change nothing, and leave a trace (${spoiled.length + unknown.length + shapeless.length + broken.length + updates.length})`, async () => {
    const { writeKey } = await keys.create({ name: 'Kept', sourceType: 'web' })
    const before = await keys.list()
    let refusals = 0

    const expectRefused = async (method: string, path: string, body: unknown, field?: string) => {
      const answer = await call(method, path, {
        body: toText(body),
      })
      const where = `${method} ${JSON.stringify(body)?.slice(0, 200)} → ${JSON.stringify(answer.body)}`
      expect(answer.status, where).toBeGreaterThanOrEqual(400)
      expect(answer.status, where).toBeLessThan(500)
      if (field !== undefined && answer.status !== 413) expect(answer.body.field, where).toBe(field)
      expect(JSON.stringify(answer.body), where).not.toMatch(/<script|Set-Cookie|xxxxx/)
      expect((await keys.audit({ limit: 1 })).data[0], where).toMatchObject({
        action: 'refused',
        actor: 'ops',
      })
      refusals++
    }
    for (const { field, body } of [...spoiled, ...unknown, ...shapeless])
      await expectRefused('POST', base, body, field)
    for (const body of broken) await expectRefused('POST', base, body)
    for (const { field, body } of updates) await expectRefused('PATCH', `${base}/${writeKey.id}`, body, field)

    expect(refusals).toBeGreaterThanOrEqual(300)
    expect(await keys.list()).toEqual(before)
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
  })

  it('get an entry of the audit log each', async () => {
    const refused = new Set<string>()
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof keys.audit>> = await keys.audit({
        limit: 100,
        ...(cursor !== null && { cursor }),
      })
      for (const { id, action } of page.data) if (action === 'refused') refused.add(id)
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(refused.size).toBe(
      spoiled.length + unknown.length + shapeless.length + broken.length + updates.length,
    )
  })
})
