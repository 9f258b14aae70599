import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { adminRoutes } from '../../src/adapter/index.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys, type WriteKeysOptions } from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { openShell } from './shell.ts'

const admin = 'an-admin-token-of-this-test-alone-0123'
const viewer = 'a-viewer-token-of-this-test-alone-0123'
const scoped = 'a-token-of-acme-of-this-test-alone-0123'

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server with the management API, and a shell that names it in every command. */
async function openRemote(token = admin, now: () => number = Date.now, options: WriteKeysOptions = {}) {
  const keys = createWriteKeys({ store: createMemoryStore(), clock: { now }, ...options })
  onTestFinished(() => keys.close())
  const api = createAdminApi(keys, {
    now,
    tokens: [
      { name: 'ops', token: admin, role: 'admin' },
      { name: 'look', token: viewer, role: 'viewer' },
      { name: 'acme', token: scoped, role: 'admin', workspace: 'acme' },
    ],
  })
  const routes = adminRoutes(api)
  const url = await listen((request, response) =>
    routes(request, response, () => response.writeHead(404).end('<p>')),
  )
  const shell = openShell({ WRITEKEY_TOKEN: token }, { hasTables: false })
  const run = (argv: string[], input?: string) => shell.run([...argv, '--api', url], input)
  const runJson = async (argv: string[], input?: string) =>
    JSON.parse((await run([...argv, '--json'], input)).out)
  return { keys, url, run, runJson }
}

describe('check over the management API', () => {
  async function checkAt(credentials: NonNullable<WriteKeysOptions['credentials']>) {
    const { keys, runJson } = await openRemote(viewer, Date.now, { credentials })
    const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
    return { check: (text: (key: string) => string) => runJson(['check'], text(key)) }
  }
  const bearer = (key: string) => `Authorization: Bearer ${key}`

  it('judges a request by the places where the server reads keys', async () => {
    const { check } = await checkAt(['bearer', { header: 'X-Api-Key' }, { path: '/e/:key' }])
    const accepted = { accepted: true, needs_credentials: null }
    expect(await check(bearer)).toMatchObject(accepted)
    expect(await check((key) => `X-Api-Key: ${key}`)).toMatchObject(accepted)
    expect(await check((key) => `http://a.example/e/${key}`)).toMatchObject(accepted)
    const basic = await check((key) => `Authorization: Basic ${btoa(`${key}:`)}`)
    expect(basic).toMatchObject({ accepted: false, reason: 'missing_key' })
    expect(await check((key) => `X-Write-Key: ${key}`)).toMatchObject({
      needs_credentials: "'header'",
      advice: expect.stringContaining(
        "['bearer', { header: 'X-Api-Key' }, { path: '/e/:key' }, 'header'] (WRITEKEY_CREDENTIALS=bearer,header:X-Api-Key,path:/e/:key,header)",
      ),
    })
  })

  it('judges it by its own where a function of the application finds keys', async () => {
    const { check } = await checkAt(['basic', () => undefined])
    expect(await check(bearer)).toMatchObject({ accepted: false, needs_credentials: "'bearer'" })
  })
})

describe('the command over the management API', () => {
  it('walks a key through its life', async () => {
    const remote = await openRemote()
    const { run, runJson, url } = remote
    const made = await run(['create', '--name', 'Web App', '--source-type', 'web', '--workspace', 'acme'])
    expect([made.code, made.err]).toEqual([0, expect.stringContaining(`Written to ${url}`)])
    const key = made.out.trim()
    const { data } = await runJson(['list', '--all'])
    const { id } = data[0]
    expect(data).toMatchObject([{ name: 'Web App', workspace: 'acme' }])
    expect((await runJson(['find', '--secret-stdin'], key)).id).toBe(id)
    const changed = await runJson(['update', id, '--allowed-event-types', 'page', '--if-version', '1'])
    expect(changed.version).toBe(2)
    await runJson(['update', id, '--trial', '{"allowed_event_types":["track"]}'])
    expect(await runJson(['check', '--type', 'page'], `${key}:`)).toMatchObject({
      accepted: true,
      would_refuse: 'event_type_not_allowed',
      found_in: 'a Basic header',
    })
    expect((await runJson(['check', '--type', 'track'], key)).reason).toBe('event_type_not_allowed')
    expect((await runJson(['drop-trial', id])).trial).toBeNull()
    expect((await runJson(['pause', id])).status).toBe('paused')
    const elsewhere = await remote.keys.create({ name: 'Test', sourceType: 'web', environment: 'test' })
    const wrong = await runJson(['check'], elsewhere.key)
    expect([wrong.reason, wrong.advice]).toEqual([
      'wrong_environment',
      expect.stringContaining('a key of test, and this is production'),
    ])
    const paused = await runJson(['check'], key)
    expect([paused.reason, paused.advice]).toEqual([
      'key_paused',
      expect.stringContaining(`writekey resume ${id}`),
    ])
    expect((await runJson(['resume', id])).status).toBe('active')
    const rotated = await runJson(['rotate', id, '--grace-period-hours', '1'])
    expect((await run(['check'], key)).out).toContain('This secret was rotated and ends at')
    expect((await run(['check'], rotated.key)).out).toContain('accepted')
    expect((await run(['usage', id])).err).toContain('There was no event')
    expect((await runJson(['revoke', '--secret-stdin', '--yes'], key)).status).toBe('revoked')
    expect((await runJson(['check'], key)).reason).toBe('revoked_key')
    expect(await runJson(['delete', id, '--yes'])).toEqual({ id, deleted: true })
    expect((await runJson(['check'], key)).reason).toBe('unknown_key')
    const csv = (await run(['audit', '--all', '--csv', '--limit', '2'])).out.split('\r\n')
    expect(csv[0]).toMatch(/^at,actor,address,action,/)
    expect(csv).toContainEqual(expect.stringMatching(/,ops,127\.0\.0\.1,remove,wk_/))
    expect(csv.length).toBeGreaterThan(8)
  })

  it('imports over it, and names the lines that are refused', async () => {
    const { runJson } = await openRemote()
    const lines = ['name,source_type,key', `iOS,tv,${'k'.repeat(32)}`, 'iOS,mobile,x'].join('\n')
    expect(await runJson(['import'], lines)).toMatchObject({
      imported: 0,
      refused: 2,
      errors: [{ line: 2 }, { line: 3 }],
    })
  })

  it('lets a viewer read alone, and a token of a workspace see that workspace', async () => {
    const { keys, url, run } = await openRemote(viewer)
    const { writeKey } = await keys.create({ name: 'Other', sourceType: 'web', workspace: 'other' })
    expect((await run(['list'])).out).toContain('Other')
    const refused = await run(['pause', writeKey.id])
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('role viewer')])
    const acme = openShell({ WRITEKEY_TOKEN: scoped }, { hasTables: false })
    expect((await acme.run(['list', '--api', url])).out).not.toContain('Other')
    const shown = await acme.run(['show', writeKey.id, '--api', url])
    expect([shown.code, shown.err]).toEqual([1, expect.stringContaining('no write key with this id')])
  })

  it.each([
    ['another token', '', 'x'.repeat(40), 1, 'does not know this management token'],
    ['no token', '', '', 2, 'WRITEKEY_TOKEN'],
    ['a token that is none', '', 'hunter2 hunter2', 2, 'is not a management token'],
    ['another path', '/elsewhere', admin, 2, 'no management API at --api'],
    ['nothing that listens', 'http://127.0.0.1:1', admin, 3, 'Is it right?'],
    ['another protocol', 'ftp://127.0.0.1', admin, 2, 'https://'],
    ['a password in it', 'http://u:hunter2@127.0.0.1', admin, 2, 'without a user'],
    ['no URL', 'events', admin, 2, 'must be the URL of a server'],
  ])('says what is wrong with %s, and repeats no secret', async (_, api, token, code, message) => {
    const { url } = await openRemote()
    const shell = openShell({ WRITEKEY_TOKEN: token }, { hasTables: false })
    const outcome = await shell.run(['list', '--api', api === '' || api.startsWith('/') ? url + api : api])
    expect([outcome.code, outcome.err]).toEqual([code, expect.stringContaining(message)])
    expect(outcome.err.split('\n')).toHaveLength(2)
    expect(outcome.err).not.toMatch(/hunter2|x{40}/)
  })

  it.each([
    ['nothing', '{}'],
    ['rows of its own', '{"data":[{}],"next_cursor":null}'],
    ['a list', '[]'],
    ['null', 'null'],
  ])('takes no JSON of another service for an answer (%s)', async (_, body) => {
    const other = await listen((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    })
    const shell = openShell({ WRITEKEY_TOKEN: admin }, { hasTables: false })
    const id = 'wk_0123456789abcdef'
    for (const argv of [
      ['list'],
      ['show', id],
      ['create', '--name', 'Web', '--source-type', 'web'],
      ['update', id, '--name', 'Web'],
      ['rotate', id],
      ['resume', id],
      ['usage', id],
      ['usage'],
      ['audit'],
      ['check'],
      ['find', '--secret-stdin'],
      ['import'],
      ['tail'],
    ]) {
      const input = argv[0] === 'import' ? '{"name":"Web","source_type":"web"}\n' : generateSecret('sk_live_')
      const { code, out, err } = await shell.run([...argv, '--api', other], input)
      expect([argv[0], code, out]).toEqual([argv[0], 3, argv[0] === 'import' ? out : ''])
      expect(err).toContain("This does not look like writekey's management API")
    }
  })

  it('says that a resumed key has expired', async () => {
    let at = Date.now()
    const { keys, run } = await openRemote(admin, () => at)
    const expiresAt = new Date(at + 60_000)
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web', expiresAt })
    await keys.pause(writeKey.id)
    at += 120_000
    const { code, out } = await run(['resume', writeKey.id])
    expect([code, out]).toEqual([0, expect.stringContaining('It has expired')])
    expect(out).not.toContain('accepts it again')
  })

  it('follows no redirect with its token, and takes nothing else for an answer', async () => {
    let seen = 0
    const other = await listen((_, response) => response.end(String(++seen)))
    const moved = await listen((_, response) => response.writeHead(302, { location: `${other}/x` }).end())
    const shell = openShell({ WRITEKEY_TOKEN: admin }, { hasTables: false })
    const outcome = await shell.run(['list', '--api', moved])
    expect([outcome.code, outcome.err]).toEqual([2, expect.stringContaining(`redirects to ${other}.`)])
    expect(seen).toBe(0)
    const html = await listen((_, response) => response.end('<!doctype html>'))
    expect((await shell.run(['list', '--api', html])).err).toContain(
      "does not look like writekey's management API",
    )
    expect((await shell.run(['list', '--api', html, '--store', 'memory:'])).code).toBe(2)
    expect((await shell.run(['list', '--token', admin])).code).toBe(2)
    expect((await shell.run(['migrate', '--api', html])).err).toContain('works only on a store')
  })
})
