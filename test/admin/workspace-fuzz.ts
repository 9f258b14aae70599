import { expect } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'
import { base, callApi } from './admin-calls.ts'

const workspaces = ['acme', 'beta'] as const
type Workspace = (typeof workspaces)[number]

const tokenOf = (name: string) => `${name}-0123456789-0123456789-0123456789`
const tokens = [
  ...workspaces.map((name) => ({ name, token: tokenOf(name), role: 'admin' as const, workspace: name })),
  { name: 'ops', token: tokenOf('ops'), role: 'admin' as const },
]

interface Parameter {
  name: string
  in: string
}

interface Described {
  method: string
  path: string
  parameters: Parameter[]
  hasBody: boolean
}

/** Numbers from 0 up to 1 that a seed decides. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Two customers send requests that are made of the description: any operation, ids of their own, of the other one and of nobody, any
 * parameter and field. No answer to one holds an id or a word of the other, and nothing of the other is changed.
 * @returns how many requests were answered with success, and with 404
 */
export async function fuzzWorkspaces(
  requests: number,
  seed: number,
): Promise<{ good: number; hidden: number }> {
  const random = randomFrom(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const keys = createWriteKeys({ store: createMemoryStore(), logger: false })
  const call = callApi(createAdminApi(keys, { tokens }))
  const owner = new Map<string, Workspace>()
  const ids: Record<Workspace, string[]> = { acme: [], beta: [] }
  const secrets: Record<Workspace, string[]> = { acme: [], beta: [] }
  const secretIds: Record<Workspace, string[]> = { acme: [], beta: [] }
  const nobody = ['wk_0000000000000000', 'wk_', '..', '%00']

  function note(who: Workspace, text: string): void {
    for (const [id] of text.matchAll(/\bwk_[0-9A-Za-z]{16}\b/g)) {
      if (nobody.includes(id)) continue
      if (!owner.has(id)) {
        owner.set(id, who)
        ids[who].push(id)
      }
    }
    for (const [, id] of text.matchAll(/"id":"(ws_[0-9A-Za-z]+|sec_[0-9A-Za-z]+)"/g))
      secretIds[who].push(id as string)
    for (const [, secret] of text.matchAll(/"key":"(sk_live_[0-9A-Za-z]+)"/g))
      secrets[who].push(secret as string)
  }

  async function makeKey(who: Workspace): Promise<void> {
    const fields = { name: `Shop of ${who}`, source_type: 'web', metadata: { by: who } }
    const { body } = await call('POST', base, { token: tokenOf(who), body: fields })
    note(who, JSON.stringify(body))
    for (const event of [`{"event":"Seen by ${who}"}`, 'null'])
      await keys.verify({
        method: 'POST',
        path: '/v1/track',
        headers: { authorization: `Basic ${btoa(`${body.key}:`)}`, origin: `https://${who}.example` },
        body: JSON.parse(event),
      })
  }

  for (const who of workspaces) for (let count = 0; count < 3; count++) await makeKey(who)
  const operations = describe((await call('GET', '/api/v1/openapi.json', { token: tokenOf('ops') })).body)
  const anyId = (of: Workspace) =>
    pick([...ids[of].slice(-5), ...ids.acme.slice(-5), ...ids.beta.slice(-5), ...nobody])
  const values = (who: Workspace, name: string): unknown =>
    name.includes('id') || name === 'group_by' || name === 'cursor'
      ? anyId(who)
      : pick<unknown>([
          who,
          anyId(who),
          '1',
          5,
          -1,
          null,
          true,
          [],
          ['track'],
          {},
          'web',
          '24h',
          'active',
          'acme',
          'beta',
        ])

  let good = 0
  let hidden = 0
  for (let count = 0; count < requests; count++) {
    const who = pick(workspaces)
    const other = who === 'acme' ? 'beta' : 'acme'
    if (count % 50 === 0) await makeKey(who)
    const operation = pick(operations)
    const path = operation.path
      .replace('{id}', anyId(who))
      .replace('{secret_id}', pick([...secretIds.acme.slice(-5), ...secretIds.beta.slice(-5), 'x']))
    const query = new URLSearchParams()
    for (const { name } of operation.parameters.filter((one) => one.in === 'query'))
      if (random() < 0.25) query.set(name, String(values(who, name)))
    const body = operation.hasBody ? bodyFor(who) : undefined
    const answer = await call(operation.method, `${path}${query.size > 0 ? `?${query}` : ''}`, {
      token: tokenOf(who),
      ...(body !== undefined && { body }),
    })
    const text = JSON.stringify(withoutOwnQuestions(answer.body))
    const told = `${who}: ${operation.method} ${path}?${query} ${JSON.stringify(body)} → ${answer.status} ${text}`
    expect(answer.status, told).toBeLessThan(500)
    for (const [id] of text.matchAll(/\bwk_[0-9A-Za-z]{16}\b/g))
      if (owner.get(id) === other) expect.fail(told)
    if (new RegExp(other).test(text)) expect.fail(told)
    note(who, text)
    if (answer.status < 300) good++
    if (answer.status === 404) hidden++
  }

  for (const who of workspaces) {
    const { data } = await keys.audit({ workspace: who, limit: 100 })
    expect(data.filter(({ actor }) => actor !== who)).toEqual([])
  }
  await keys.close()
  return { good, hidden }

  /** Texts of their own: what one has written themselves may come back. */
  function bodyFor(who: Workspace): Record<string, unknown> {
    const secret = pick([...secrets.acme.slice(-5), ...secrets.beta.slice(-5)])
    if (random() < 0.2) return { key: secret }
    if (random() < 0.1)
      return { write_keys: [{ name: who, source_type: 'web', key: secret, workspace: who }] }
    const fields: Record<string, unknown> = { name: `Shop of ${who}`, source_type: 'web' }
    const others = [
      'rate_limit_eps',
      'plan',
      'trial',
      'allowed_ips',
      'grace_period_hours',
      'version',
      'metadata',
    ]
    for (const name of others) if (random() < 0.1) fields[name] = pick<unknown>([null, 1, {}, [], who])
    if (random() < 0.1) fields.workspace = who === 'acme' ? 'beta' : 'acme'
    return random() < 0.3 ? {} : fields
  }
}

function describe(document: {
  paths: Record<string, Record<string, Partial<Described> & { requestBody?: unknown }>>
}) {
  return Object.entries(document.paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, { parameters = [], requestBody }]): Described => ({
          method: method.toUpperCase(),
          path,
          parameters,
          hasBody: requestBody !== undefined,
        }),
      ),
    )
    .filter(({ path }) => !path.endsWith('openapi.json'))
}

/** The log of refused calls has the ids that the caller has named, be there a key or not, and nothing of the key. */
function withoutOwnQuestions(body: { data?: { action?: string; key?: unknown }[] } | undefined): unknown {
  if (!Array.isArray(body?.data)) return body ?? null
  const data = body.data.map((entry) => (entry?.action === 'refused' ? { ...entry, key_id: null } : entry))
  return { ...body, data }
}
