import { describe, expect, it, onTestFinished } from 'vitest'
import { type AdminApi, createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { type Answer, base, callApi } from './admin-calls.ts'

const tokenOf = (name: string) => `${name}-0123456789-0123456789-0123456789`
const tokens = [
  { name: 'acme', token: tokenOf('acme'), role: 'admin', workspace: 'acme' },
  { name: 'beta', token: tokenOf('beta'), role: 'admin', workspace: 'beta' },
  { name: 'ops', token: tokenOf('ops'), role: 'admin' },
] as const

interface Two {
  keys: WriteKeys
  api: AdminApi
  call: (who: string, method: string, path: string, body?: unknown, headers?: object) => Promise<Answer>
  /** A key of each workspace that has been used, refused, changed and rotated: there is something of it everywhere. */
  ids: Record<'acme' | 'beta', string>
  secretIds: Record<'acme' | 'beta', string>
  secrets: Record<'acme' | 'beta', string>
}

const plans = { free: { rateLimitEps: 10 }, pro: { rateLimitEps: 100 } }

async function twoWorkspaces(): Promise<Two> {
  const keys = createWriteKeys({ store: createMemoryStore(), plans, defaultPlan: 'free' })
  onTestFinished(() => keys.close())
  const api = createAdminApi(keys, { tokens })
  const callAs = callApi(api)
  const call: Two['call'] = (who, method, path, body, headers = {}) =>
    callAs(method, path, { token: tokenOf(who), body, headers: headers as Record<string, string> })
  const made = { acme: '', beta: '' }
  const secretIds = { acme: '', beta: '' }
  const secrets = { acme: '', beta: '' }
  for (const workspace of ['acme', 'beta'] as const) {
    const { body } = await call(workspace, 'POST', base, { name: `Shop of ${workspace}`, source_type: 'web' })
    made[workspace] = body.id
    secretIds[workspace] = body.secrets[0].id
    secrets[workspace] = body.key
    const send = (key: string, json: string) =>
      keys.verify({
        method: 'POST',
        path: '/v1/track',
        headers: { authorization: `Basic ${btoa(`${key}:`)}`, origin: `https://${workspace}.example` },
        ip: workspace === 'acme' ? '192.0.2.1' : '198.51.100.1',
        body: JSON.parse(json),
      })
    await send(body.key, `{"event":"Seen by ${workspace}"}`)
    await send(body.key, `[null,"${workspace}"]`)
    await keys.rotate(body.id, { actor: { name: `rotator of ${workspace}` } })
    // A refused call, for the audit log.
    await call(workspace, 'POST', `${base}/${body.id}/rotate`, { grace_period_hours: -1 })
  }
  await keys.flush()
  return { keys, api, call, ids: made, secretIds, secrets }
}

interface Described {
  id: string
  method: string
  path: string
}

async function describedOperations(call: Two['call']): Promise<Described[]> {
  const { body } = await call('acme', 'GET', '/api/v1/openapi.json')
  return Object.entries(body.paths as Record<string, Record<string, { operationId: string }>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({
        id: operationId,
        method: method.toUpperCase(),
        path,
      })),
  )
}

/** Bodies with which the operations would do something. */
const bodies: Record<string, unknown> = {
  createWriteKey: { name: 'New', source_type: 'web' },
  updateWriteKey: { name: 'Renamed' },
  importWriteKeys: {
    write_keys: [{ name: 'Web', source_type: 'web', workspace: 'other', key_hash: '0'.repeat(64) }],
  },
}

describe('the management API of two workspaces', () => {
  it('answers 404 to the id of the other in every operation of its description, and changes nothing', async () => {
    const { keys, call, ids, secretIds } = await twoWorkspaces()
    const before = JSON.stringify(await keys.get(ids.beta))
    const operations = (await describedOperations(call)).filter(({ path }) => path.includes('{id}'))
    expect(operations.length).toBeGreaterThanOrEqual(9)
    for (const { id, method, path } of operations) {
      const filled = path.replace('{id}', ids.beta).replace('{secret_id}', secretIds.beta)
      const answer = await call('acme', method, filled, bodies[id])
      expect([id, answer.status, answer.body.code]).toEqual([id, 404, 'not_found'])
    }
    expect(JSON.stringify(await keys.get(ids.beta))).toBe(before)
  })

  it('tells nothing of the other in any list, count, stream or export of its description', async () => {
    const { call, ids, keys, secrets } = await twoWorkspaces()
    const bodyOf = (id: string) =>
      id === 'findWriteKey' || id === 'checkWriteKey' ? { key: secrets.beta } : bodies[id]
    const operations = (await describedOperations(call)).filter(({ path }) => !path.includes('{'))
    for (const { id, method, path } of operations) {
      for (const query of method === 'GET'
        ? ['', `?key_id=${ids.beta}`, '?workspace=beta', '?q=beta']
        : ['']) {
        const answer = await call('acme', method, path + query, method === 'GET' ? undefined : bodyOf(id))
        expect([id, query, answer.status < 500]).toEqual([id, query, true])
        const text = JSON.stringify(answer.body)
        expect([id, query, /beta|198\.51\.100/i.test(text) || text.includes(ids.beta)]).toEqual([
          id,
          query,
          false,
        ])
      }
    }
    expect((await call('acme', 'POST', `${base}/find`, { key: secrets.acme })).body).toMatchObject({
      id: ids.acme,
    })
    // The same questions of somebody who may see both do tell of it: the test looks at the right places.
    for (const path of ['write-keys', 'audit-log', 'debugger', 'problems']) {
      const { body } = await call('ops', 'GET', `/api/v1/events/${path}`)
      expect([path, JSON.stringify(body).includes(ids.beta)]).toEqual([path, true])
      const own = await call('acme', 'GET', `/api/v1/events/${path}`)
      expect([path, JSON.stringify(own.body).includes(ids.acme)]).toEqual([path, true])
    }
    const usageOf = async (who: string) => (await call(who, 'GET', '/api/v1/events/usage?group_by=key')).body
    expect(await usageOf('ops')).toMatchObject({ total: { accepted: 2, refused: 2 } })
    expect(await usageOf('acme')).toMatchObject({
      total: { accepted: 1, refused: 1 },
      data: [{ group: ids.acme }],
    })
    expect(await keys.list({ workspace: 'beta' })).toMatchObject({ data: [{ id: ids.beta }] })
  })

  it('streams decisions of its own keys only, also of one that was made meanwhile', async () => {
    const { api, keys, ids } = await twoWorkspaces()
    const response = await api.fetch(
      new Request('http://localhost/api/v1/events/debugger', {
        headers: { authorization: `Bearer ${tokenOf('acme')}`, accept: 'text/event-stream' },
      }),
    )
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const made: Record<string, string> = {}
    for (const workspace of ['beta', 'acme']) {
      const { writeKey, key } = await keys.create({ name: 'Later', sourceType: 'web', workspace })
      made[workspace] = writeKey.id
      await keys.verify({
        method: 'POST',
        path: '/v1/track',
        headers: { authorization: `Basic ${btoa(`${key}:`)}` },
        body: { event: `Later ${workspace}` },
      })
    }
    let text = ''
    while (!text.includes('Later acme')) {
      const { value, done } = await reader.read()
      if (done) throw new Error(`ended: ${text}`)
      text += new TextDecoder().decode(value)
    }
    await reader.cancel()
    expect(text).toContain(ids.acme)
    expect(text).not.toContain(ids.beta)
    expect(text).not.toContain(made.beta)
    expect(text).not.toMatch(/beta|event: missed/)
  })

  it('makes keys in its own workspace, and gives nobody another one, a plan, or more than the plan’s rate', async () => {
    const { call, ids } = await twoWorkspaces()
    const create = (fields: object) =>
      call('acme', 'POST', base, { name: 'Web', source_type: 'web', ...fields })
    expect((await create({})).body).toMatchObject({ workspace: 'acme', effective_rate_limit_eps: 10 })
    expect((await create({ rate_limit_eps: 10 })).status).toBe(201)
    for (const [field, value] of [
      ['workspace', 'beta'],
      ['workspace', 'acme'],
      ['workspace', null],
      ['plan', 'pro'],
      ['plan', null],
      ['rate_limit_eps', 10.5],
    ]) {
      expect([field, await create({ [field as string]: value })]).toMatchObject([
        field,
        { status: 422, body: { field } },
      ])
    }
    for (const [field, value] of [
      ['plan', 'pro'],
      ['rate_limit_eps', 11],
    ]) {
      const answer = await call('acme', 'PATCH', `${base}/${ids.acme}`, { [field as string]: value })
      expect(answer).toMatchObject({ status: 422, body: { field } })
    }
    await call('ops', 'PATCH', `${base}/${ids.acme}`, { plan: 'pro' })
    const raised = await call('acme', 'PATCH', `${base}/${ids.acme}`, { rate_limit_eps: 100 })
    expect(raised).toMatchObject({ status: 200, body: { plan: 'pro', rate_limit_eps: 100 } })
  })

  it('says what the default plan gives, and how many keys find room, to each caller', async () => {
    const limits = '/api/v1/events/limits'
    const { call } = await twoWorkspaces()
    const given = { rate_limit_eps: 10, sender_rate_limit_eps: null, monthly_events: null }
    expect((await call('acme', 'GET', limits)).body).toEqual({ ...given, max_keys: 1_000, keys_left: 999 })
    expect((await call('ops', 'GET', limits)).body).toEqual({ ...given, max_keys: null, keys_left: null })
  })

  it('names the first of two keys of one secret by its place in the whole call', async () => {
    const keys = createWriteKeys({ importedKeys: /^k{32}$/ })
    onTestFinished(() => keys.close())
    const callAs = callApi(createAdminApi(keys, { tokens }))
    const item = { name: 'Twice', source_type: 'web', key: 'k'.repeat(32) }
    const write_keys = [7, { ...item, plan: 'pro' }, item, { ...item, workspace: 'beta' }, item]
    const { body } = await callAs('POST', `${base}/import`, {
      token: tokenOf('acme'),
      body: { write_keys },
    })
    expect(body.results.map(({ repeat_of }: { repeat_of?: number }) => repeat_of)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      2,
    ])
  })

  it('says workspace_full of the keys of an import that find no room', async () => {
    const keys = createWriteKeys({ maxKeysPerWorkspace: 2, importedKeys: /^[A-Za-z0-9]{32}$/ })
    onTestFinished(() => keys.close())
    const callAs = callApi(createAdminApi(keys, { tokens }))
    const items = ['a', 'b', 'c'].map((letter) => ({
      name: 'Web',
      source_type: 'web',
      key: letter.repeat(32),
    }))
    for (const dryRun of [true, false]) {
      const body = { write_keys: items, dry_run: dryRun }
      const { results } = (await callAs('POST', `${base}/import`, { token: tokenOf('acme'), body })).body
      expect(results.map(({ ok, code }: { ok: boolean; code?: string }) => (ok ? 'ok' : code))).toEqual([
        'ok',
        'ok',
        'workspace_full',
      ])
      expect(results[2].message).toContain('holds as many keys as it may')
    }
  })

  it('answers 409 workspace_full where there is no room, and a repeated call with the key that it made', async () => {
    const keys = createWriteKeys({ maxKeysPerWorkspace: 1 })
    onTestFinished(() => keys.close())
    const callAs = callApi(createAdminApi(keys, { tokens }))
    const create = (call: string) =>
      callAs('POST', base, {
        token: tokenOf('acme'),
        body: { name: 'Web', source_type: 'web' },
        headers: { 'idempotency-key': call },
      })
    expect((await create('one')).status).toBe(201)
    expect((await create('one')).status).toBe(200)
    expect(await create('two')).toMatchObject({ status: 409, body: { reason: 'workspace_full' } })
  })

  it('keeps the idempotency keys of two workspaces apart, even under one name', async () => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    onTestFinished(() => keys.close())
    const api = createAdminApi(keys, {
      authorize: (request) => ({
        name: 'session',
        role: 'admin',
        workspace: request.headers.get('x-workspace') as string,
      }),
    })
    const create = async (workspace: string) => {
      const response = await api.fetch(
        new Request(`http://localhost${base}`, {
          method: 'POST',
          headers: { 'x-workspace': workspace, 'idempotency-key': 'one', 'content-type': 'application/json' },
          body: JSON.stringify({ name: 'Web', source_type: 'web' }),
        }),
      )
      return { status: response.status, body: (await response.json()) as { id: string; workspace: string } }
    }
    const [acme, beta, again] = [await create('acme'), await create('beta'), await create('acme')]
    expect([acme.status, beta.status, again.status]).toEqual([201, 201, 200])
    expect(beta.body.id).not.toBe(acme.body.id)
    expect(again.body).toMatchObject({ id: acme.body.id, workspace: 'acme' })
  })

  it.each([[undefined], [null], [''], ['a b'], [5], [['acme']]])(
    'refuses a session whose workspace is %j, and never shows it everything',
    async (workspace) => {
      const { keys } = await twoWorkspaces()
      const api = createAdminApi(keys, {
        authorize: () => ({ name: 'session', role: 'admin', workspace: workspace as string }),
        logger: false as never,
      })
      const { status } = await api.fetch(new Request(`http://localhost${base}`))
      expect(status).toBe(500)
    },
  )

  it('refuses a token whose workspace is there but undefined, at once', () => {
    const keys = createWriteKeys()
    onTestFinished(() => keys.close())
    const token = { name: 'acme', token: tokenOf('acme'), role: 'admin' as const }
    for (const workspace of [undefined, '', null, 'a b']) {
      expect(() => createAdminApi(keys, { tokens: [{ ...token, workspace: workspace as string }] })).toThrow(
        /workspace must be/,
      )
    }
  })

  it('says in the session which workspace it is', async () => {
    const { call } = await twoWorkspaces()
    expect((await call('acme', 'GET', '/api/v1/events/session')).body).toMatchObject({ workspace: 'acme' })
    expect((await call('ops', 'GET', '/api/v1/events/session')).body).toMatchObject({ workspace: null })
  })

  it('waits with its own answer to a repeated removal, and with no other', async () => {
    const { call, ids } = await twoWorkspaces()
    expect((await call('acme', 'DELETE', `${base}/${ids.acme}`)).status).toBe(204)
    expect((await call('acme', 'DELETE', `${base}/${ids.acme}`)).status).toBe(404)
    expect(
      (await call('acme', 'GET', `/api/v1/events/audit-log?key_id=${ids.acme}`)).body.data[0],
    ).toMatchObject({
      workspace: 'acme',
    })
  })
})
