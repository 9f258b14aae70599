import { describe, expect, it } from 'vitest'
import { openShell, typist } from './shell.ts'

const create = ['create', '--name', 'Web App', '--source-type', 'web']

describe('writekey check', () => {
  it('takes what people paste, does not show what is typed, and repeats no secret', async () => {
    const { run, runJson } = openShell()
    const { key } = await runJson(create)
    const basic = (text: string) => Buffer.from(text).toString('base64')
    const pastes: [string, string | null][] = [
      [key, null],
      [`"${key}"`, null],
      [`${key}:`, 'a Basic header'],
      [`Basic ${basic(`${key}:`)}`, 'a Basic header'],
      [`authorization: basic ${basic(`${key}:`)}\n`, 'a Basic header'],
      [`curl -u '${key}:' https://events.example.com/v1/track`, 'a Basic header'],
      [`curl.exe ^"https://a.example/v1/track^" ^\r\n  -u ^"${key}:^"`, 'a Basic header'],
      [`curl https://a.example/v1/track \`\n  -u "${key}:"`, 'a Basic header'],
      [
        `GET /v1/check HTTP/1.1\r\nHost: a.example\r\nAuthorization: Basic ${basic(`${key}:`)}\r\n`,
        'a Basic header',
      ],
      [
        `fetch("https://a.example/v1/track", { "headers": { "authorization": "Basic ${basic(`${key}:`)}" } });`,
        'a Basic header',
      ],
      [`axios.post(url, {}, { headers: { Authorization: 'Basic ${basic(`${key}:`)}' } })`, 'a Basic header'],
      [`https://${key}:@a.example/v1/track`, 'a Basic header'],
    ]
    for (const [paste, found_in] of pastes)
      expect(await runJson(['check'], paste)).toMatchObject({
        accepted: true,
        found_in,
        cause: 'The request would be accepted.',
      })
    expect(await runJson(['check'], `new Analytics({ writeKey: '${key}' })`)).toMatchObject({
      accepted: true,
      found_in: 'a longer text',
      cause: 'The key is good. How this text sends it was not judged.',
    })
    const misplaced = [
      `Basic ${basic(`:${key}`)}`,
      `Basic ${basic(`${key}:pw`)}`,
      `Basic ${key}`,
      `:${key}`,
      `Authorization: Token ${key}`,
      `{ headers: { Authorization: "Token ${key}" } }`,
      `Cookie: k=${key}`,
      `wget --header='Cookie: k=${key}' https://a.example/v1/track`,
    ]
    for (const paste of misplaced) {
      const { code, out, err } = await run(['check'], paste)
      expect([code, out]).toEqual([
        1,
        expect.stringContaining('The secret is right, but not where it stands.'),
      ])
      expect(out + err).not.toContain(key)
    }
    expect(await run(['check'], `curl https://a.example/v1/track?a=1&writeKey=${key}`)).toMatchObject({
      code: 1,
      out: expect.stringContaining('What this sends has no key in a place that can be read.'),
    })
    const curl = `curl -H 'Authorization: Basic ${basic(`${key}:`)}' https://a.example/v1/track`
    expect(await runJson(['find', '--secret-stdin'], curl)).toMatchObject({ name: 'Web App' })
    const hidden: boolean[] = []
    const typed = await run(['check'], typist(key, hidden))
    expect([typed.code, hidden]).toEqual([0, [true, false]])
    const lines = await run(['check'], typist(`curl https://a.example/v1/track \\\r -u ${key}:`))
    expect(lines.out).toContain('The request would be accepted.')
    expect(typed.out + typed.err).not.toContain(key)
    expect((await run(['check'], typist('\u0003'))).err).toContain('Interrupted; nothing was done.')
  })

  it('says of a good key in another place that it is read there only with an option', async () => {
    const env: Record<string, string> = {}
    const { run, runJson } = openShell(env)
    const { key, id } = await runJson(create)
    const pastes: [string, string, string][] = [
      [`Authorization: Bearer ${key}`, 'a Bearer header', "'bearer'"],
      [`Bearer ${key}`, 'a Bearer header', "'bearer'"],
      [`curl -H "Authorization: Bearer ${key}" http://a.example/v1/track`, 'a Bearer header', "'bearer'"],
      [`{"headers":{"Authorization":"Bearer ${key}"}}`, 'a Bearer header', "'bearer'"],
      [`X-Write-Key: ${key}`, 'an X-Write-Key header', "'header'"],
      [`x-api-key: ${key}`, 'an X-Api-Key header', "{ header: 'X-Api-Key' }"],
      [
        `curl -H 'X-Api-Key: ${key}' http://a.example/v1/track`,
        'an X-Api-Key header',
        "{ header: 'X-Api-Key' }",
      ],
      [`curl -H 'Token: ${key}' http://a.example/v1/track`, 'a Token header', "{ header: 'Token' }"],
      [`http://a.example/v1/track?writeKey=${key}`, 'the query of a URL', "'query'"],
      [`http://a.example/v1/track?a=1&token=${key}&b`, 'the query of a URL', "{ query: 'token' }"],
      [`https://a.example/e/${key}`, 'the path of a URL', "{ path: '/e/:key' }"],
      [`POST https://a.example/v1/${key}/track`, 'the path of a URL', "{ path: '/v1/:key/track' }"],
      [`{"writeKey":"${key}"}`, 'a body', "'body'"],
      [`{"api_key": "${key}"}`, 'a body', "{ body: 'api_key' }"],
    ]
    for (const [paste, found_in, credentials] of pastes) {
      const finding = await runJson(['check', '--type', 'track'], paste)
      expect(finding).toMatchObject({
        accepted: false,
        reason: 'missing_key',
        found_in,
        needs_credentials: credentials,
      })
      expect(finding.cause).toBe(
        `The key is good, but it stands in ${found_in}, which is read only with credentials: ${credentials}.`,
      )
      expect(finding.key_id).toBe(id)
      expect(JSON.stringify(finding)).not.toContain(key)
    }
    env.WRITEKEY_CREDENTIALS = 'basic'
    const { code, out } = await run(['check'], `Bearer ${key}`)
    expect([code, out]).toEqual([4, expect.stringContaining('refused: missing_key (HTTP 401)')])
    expect(out).toContain("set credentials: ['basic', 'bearer'] (WRITEKEY_CREDENTIALS=basic,bearer)")
    env.WRITEKEY_CREDENTIALS = 'basic,bearer'
    expect(await runJson(['check'], `Bearer ${key}`)).toMatchObject({ accepted: true, advice: null })
    env.WRITEKEY_CREDENTIALS = 'header:X-Api-Key,query:token,body:api_key,path:/e/:key'
    for (const paste of [
      `X-Api-Key: ${key}`,
      `http://a/b?token=${key}`,
      `{"api_key":"${key}"}`,
      `http://a/e/${key}`,
    ])
      expect(await runJson(['check'], paste)).toMatchObject({ accepted: true, needs_credentials: null })
    const refused = { accepted: false, reason: 'missing_key', status: 401 }
    expect(await runJson(['check'], `X-Write-Key: ${key}`)).toMatchObject(refused)
    await run(['revoke', id, '--yes'])
    expect((await run(['check'], `X-Write-Key: ${key}`)).out).toContain('revoked_key')
  })

  it('says that an imported key is there, where its shape is not known', async () => {
    const env: Record<string, string> = {}
    const { runJson } = openShell(env)
    const secret = 'an-old-secret-of-another-product-0123456789'
    env.WRITEKEY_IMPORTED_KEYS = '^an-old-[a-z0-9-]{30,60}$'
    await runJson(['import'], `{"name":"Old","source_type":"web","key":"${secret}"}`)
    expect(await runJson(['check'], secret)).toMatchObject({ accepted: true })
    delete env.WRITEKEY_IMPORTED_KEYS
    expect(await runJson(['check'], secret)).toMatchObject({
      reason: 'malformed_key',
      key_name: 'Old',
      advice: expect.stringContaining('This store has a key with this secret: set WRITEKEY_IMPORTED_KEYS'),
    })
    const { advice } = await runJson(['check'], `${secret}x`)
    expect(advice).toContain('Copy the whole key again.')
  })

  it('says when a key had a secret that it has no more', async () => {
    const { runJson } = openShell()
    const { id, key } = await runJson(create)
    const { key: newest } = await runJson(['rotate', id, '--grace-period-hours', '0'])
    expect(await runJson(['check'], key)).toMatchObject({
      reason: 'unknown_key',
      status: 401,
      key_id: null,
      advice: expect.stringMatching(/^A key had this secret until \d{4}-.* Put the newest secret/),
    })
    expect(await runJson(['check'], newest)).toMatchObject({ accepted: true })
  })

  it('gives the advice that fits the state of the key', async () => {
    const { run, runJson, store } = openShell()
    const { id, key } = await runJson([...create, '--allowed-origins', 'https://a.example'])
    const advice = async (secret: string, ...more: string[]) =>
      (await runJson(['check', ...more], secret)).advice
    expect(await advice(key)).toBeNull()
    expect(await advice(key, '--origin', 'https://b.example')).toContain('Allowed are: https://a.example.')
    await run(['rotate', id, '--grace-period-hours', '1'])
    expect(await advice(key)).toMatch(/rotated and ends at .*, which begins with sk_live_/)
    const { key: newest } = await runJson(['rotate', id, '--grace-period-hours', '1'])
    await run(['pause', id])
    expect(await advice(newest)).toContain(`writekey resume ${id}`)
    const elsewhere = openShell(
      { WRITEKEY_STORE: store, WRITEKEY_ENVIRONMENT: 'staging' },
      { hasTables: false },
    )
    const there = await elsewhere.runJson(['check'], newest)
    expect(there.advice).toContain('a key of production, and this is staging')
    await run(['revoke', id, '--yes'])
    expect(await advice(newest)).toMatch(/It was revoked at \d{4}-/)
  })

  it('explains what a server makes of a request beside its key', async () => {
    const { runJson } = openShell()
    const { key } = await runJson([
      ...create,
      '--allowed-event-types=track',
      '--allowed-origins=https://a.example',
    ])
    const finding = (options: string, ...flags: string[]) =>
      runJson(['check', ...flags], `curl -u ${key}: http://h.example/v1/batch ${options}`)
    const both = `-d '[{"type":"track"},{"type":"page"}]'`
    const refused = { accepted: false, reason: 'event_type_not_allowed', status: 403 }
    expect(await finding(both)).toMatchObject({
      ...refused,
      advice: expect.stringMatching(
        /^With onForbiddenEvent: 'drop', its other events .* Allowed are: track\./,
      ),
    })
    expect(await finding(`-d '[{"type":"page"}]'`)).toMatchObject({
      ...refused,
      advice: expect.stringMatching(/^Allowed are: track\./),
    })
    expect(await finding(both, '--type', 'track')).toMatchObject({ accepted: true })
    expect(await finding('-d @events.json')).toMatchObject({ accepted: true })
    expect(await finding(`-d '{"type":"track"}' -H 'Content-Length: 9'`)).toMatchObject({
      reason: 'invalid_json',
      advice: expect.stringContaining('Content-Length says 9 bytes, but the body has 16'),
    })
    const image = `-H 'Sec-Fetch-Site: cross-site'`
    expect(await finding(image)).toMatchObject({
      reason: 'origin_not_allowed',
      advice: expect.stringContaining('Allowed are: https://a.example.'),
    })
    expect(await finding(image, '--origin', 'https://a.example')).toMatchObject({ accepted: true })
  })

  it('says of a method that Node does not take how to write it', async () => {
    const { run, runJson } = openShell()
    const { key } = await runJson(create)
    const { code, out } = await run(['check'], `curl -X post -u ${key}: -d '{}' http://h.example/v1/track`)
    expect([code, out]).toEqual([
      1,
      'refused: bad request (HTTP 400)\nA server on Node refuses this method before it looks for a key.\nWrite POST in capitals: it is sent as it is written.\n',
    ])
    const line = `post /v1/track HTTP/1.1\nAuthorization: Basic ${Buffer.from(`${key}:`).toString('base64')}\n\n{}`
    expect(await runJson(['check'], line)).toMatchObject({ accepted: false, reason: null })
    expect(await runJson(['check'], `curl -X SEND -u ${key}: http://h.example/v1/track`)).toMatchObject({
      accepted: false,
      reason: null,
      advice: 'Send events by POST.',
    })
  })

  it('judges by rules on trial, and by types of their own, what the request shows', async () => {
    const { runJson } = openShell({ WRITEKEY_EVENT_TYPES: 'purchase' })
    const { id, key } = await runJson([...create, '--allowed-event-types=track,purchase'])
    await runJson(['update', id, '--trial={"allowed_event_types":["track"]}'])
    const finding = (body: string) =>
      runJson(['check'], `curl -u ${key}: http://h.example/v1/batch -d '${body}'`)
    const both = '[{"type":"track"},{"type":"purchase"}]'
    expect(await finding(both)).toMatchObject({ accepted: true, would_refuse: 'event_type_not_allowed' })
    expect(await finding('[{"type":"track"}]')).toMatchObject({ accepted: true, would_refuse: null })
  })
})
