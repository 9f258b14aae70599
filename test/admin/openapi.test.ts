import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { base, startAdmin, viewerToken } from './admin-calls.ts'
import { createRandom, createSamples, hostileTexts, type Schema } from './schema-samples.ts'

const { call, keys, api } = startAdmin()
afterAll(() => keys.close())

interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  schema: Schema
}
interface Described {
  operationId: string
  parameters: Parameter[]
  requestBody?: { required: boolean; content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>
}

const { body: description } = await call('GET', '/api/v1/openapi.json', { token: viewerToken })
const operations = Object.entries(description.paths as Record<string, Record<string, Described>>).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      ...operation,
    })),
)
type Op = (typeof operations)[number]

/** What a path can hold: an empty segment would be another path, half a surrogate pair cannot be encoded. */
const pathTexts = hostileTexts.filter((text) => text !== '' && text.isWellFormed())

const validators = new Map<string, z.ZodType>()

/** The schema of an answer, from the description alone. */
function validatorOf(operation: Op, status: number, type: string): z.ZodType | undefined {
  const id = `${operation.operationId} ${status} ${type}`
  const known = validators.get(id)
  if (known !== undefined) return known
  let schema = operation.responses[status]?.content?.[type]?.schema
  if (schema === undefined) return undefined
  if (schema.$ref === '#/components/schemas/Problem')
    schema = description.components.schemas.Problem as Schema
  const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
  validators.set(id, validator)
  return validator
}

/** Streams never end by themselves; they have a test of their own. */
const isStream = ({ responses }: Op) => responses[200]?.content?.['text/event-stream'] !== undefined

describe('openapi.json', () => {
  it('is OpenAPI 3.1 and describes every call of the contract', () => {
    expect(description.openapi).toBe('3.1.0')
    expect(operations.map(({ method, path }) => `${method} ${path}`)).toEqual(
      expect.arrayContaining([
        `POST ${base}`,
        `GET ${base}`,
        `GET ${base}/{id}`,
        `PATCH ${base}/{id}`,
        `DELETE ${base}/{id}`,
        `POST ${base}/{id}/rotate`,
        `POST ${base}/{id}/revoke`,
        `DELETE ${base}/{id}/secrets/{secret_id}`,
        `GET ${base}/{id}/usage`,
        'GET /api/v1/events/audit-log',
        'GET /api/v1/openapi.json',
      ]),
    )
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  })

  it('has the server where the API is mounted', async () => {
    const mounted = startAdmin({
      admin: { authorize: () => ({ name: 'x', role: 'admin' }), basePath: '/internal' },
    })
    const { body } = await mounted.call('GET', '/internal/api/v1/openapi.json', { token: null })
    expect(body.servers).toEqual([{ url: '/internal' }])
    expect(mounted.api.handles('/internal/api/v1/events/write-keys')).toBe(true)
    expect(mounted.api.handles('/api/v1/events/write-keys')).toBe(false)
  })
})

describe('requests made from openapi.json', () => {
  const requests = process.env.FUZZ_REQUESTS === undefined ? 2_000 : Number(process.env.FUZZ_REQUESTS)

  it(`never get a 500, nor an answer that it does not describe (${requests})`, async () => {
    const random = createRandom(20_260_105)
    const ids = (
      await Promise.all(Array.from({ length: 5 }, () => keys.create({ name: 'Fuzz', sourceType: 'other' })))
    ).map(({ writeKey }) => writeKey.id)
    const statuses = new Map<number, number>()

    for (let index = 0; index < requests; index++) {
      const { value, pick } = createSamples(random, hostilityOf(random))
      const operation = operations[index % operations.length] as Op
      if (isStream(operation)) continue
      const parameters = operation.parameters.filter(
        ({ name }) => name !== 'Idempotency-Key' || random() < 0.1,
      )
      const path = operation.path.replace(/\{(\w+)\}/g, (_, name) =>
        encodeURIComponent(name === 'id' && random() < 0.8 ? pick(ids) : pick(pathTexts)),
      )
      const query = new URLSearchParams(
        parameters
          .filter((parameter) => parameter.in === 'query' && random() < 0.4)
          .map(({ name, schema }): [string, string] => [name, String(value(schema))]),
      )
      const headers = Object.fromEntries(
        parameters
          .filter((parameter) => parameter.in === 'header' && random() < 0.3)
          .map(({ name }) => [name, pick(['"1"', '"2"', 'W/"3"', '*', 'x', '"-1"'])]),
      )
      const schema = operation.requestBody?.content['application/json']?.schema
      const body = schema === undefined || random() < 0.05 ? undefined : value(schema)
      const answer = await call(operation.method, `${path}${query.size > 0 ? `?${query}` : ''}`, {
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(random() < 0.05 && { token: pick([viewerToken, 'wrong']) }),
      })
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      if (answer.status === 201) ids.push(answer.body.id)

      const where = JSON.stringify({
        operation: operation.operationId,
        path,
        query: `${query}`,
        body,
        answer,
      })
      expect(answer.status, where).toBeLessThan(500)
      expect(Object.keys(operation.responses), where).toContain(String(answer.status))
      const type = answer.headers.get('content-type') ?? ''
      if (type !== '') {
        const validator = validatorOf(operation, answer.status, type)
        if (validator !== undefined) expect(validator.safeParse(answer.body).error, where).toBeUndefined()
      }
    }
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 204, 401, 403, 404, 409, 422]))
  }, 120_000)

  it('reach only what the API says is its own', () => {
    expect(api.handles('/v1/track')).toBe(false)
    expect(api.handles('/api/v1/events/write-keysx')).toBe(false)
  })
})

/** Half of the requests are well-formed; the others are spoiled in some places. */
function hostilityOf(random: () => number): number {
  return random() < 0.5 ? 0 : 0.15
}
