import { describe, expect, it } from 'vitest'
import { openShell, typist } from './shell.ts'

const create = ['create', '--name', 'Web App', '--source-type', 'web']

describe('the command writekey', () => {
  it('creates a key and prints the secret alone to standard output, once', async () => {
    const { run } = openShell()
    const made = await run([...create, '--rate-limit-eps', '50', '--allowed-event-types', 'track,page'])
    expect(made.code).toBe(0)
    expect(made.out).toMatch(/^sk_live_[0-9A-Za-z]{38}\n$/)
    const secret = made.out.trim()
    expect(made.err).not.toContain(secret)
    const list = await run(['list'])
    expect(list.out).toMatch(/^wk_\w{16} {2}Web App {2}web +production +active/m)
    for (const argv of [['list'], ['list', '--json'], ['audit'], ['audit', '--json']]) {
      const { out, err } = await run(argv)
      expect(out + err).not.toContain(secret)
    }
  })

  it('refuses a plan that is not in WRITEKEY_PLANS, and says so when it cannot know', async () => {
    const { run, store } = openShell({ WRITEKEY_IMPORTED_KEYS: '^a{32}$' })
    const made = await run([...create, '--plan', 'fre', '--json'])
    expect([made.code, made.err]).toEqual([
      0,
      expect.stringMatching(/cannot check whether these plans exist: "fre"\./),
    ])
    const { id } = JSON.parse(made.out)
    expect((await run(['update', id, '--plan', 'pro'])).err).toContain('these plans exist: "pro".')
    for (const argv of [['show', id], ['list'], ['list', '--csv'], ['usage', id]]) {
      const { code, err } = await run(argv)
      expect([argv, code, err]).toEqual([
        argv,
        0,
        expect.stringContaining('does not know the rates and quotas of these plans: "pro".'),
      ])
    }
    const line = JSON.stringify({ name: 'Old', source_type: 'web', key: 'a'.repeat(32), plan: 'gold' })
    expect((await run(['import'], `${line}\n`)).err).toContain('whether these plans exist: "gold"')
    for (const argv of [
      ['update', id, '--plan', 'null'],
      ['update', id, '--name', 'Shop'],
    ])
      expect((await run(argv)).err).not.toContain('WRITEKEY_PLANS')
    const knowing = openShell({ WRITEKEY_STORE: store, WRITEKEY_PLANS: '{"free":{}}' }, { hasTables: false })
    for (const argv of [
      [...create, '--plan', 'fre'],
      ['update', id, '--plan', 'fre'],
    ]) {
      const { code, err } = await knowing.run(argv)
      expect([code, err]).toEqual([2, expect.stringContaining('--plan must be one of free')])
    }
    for (const argv of [[...create, '--plan', 'free'], ['list']]) {
      const { code, err } = await knowing.run(argv)
      expect([code, err]).toEqual([0, expect.not.stringContaining('WRITEKEY_PLANS')])
    }
  })

  it('takes a list as texts between commas, or as JSON where these have commas', async () => {
    const { runJson } = openShell()
    const plain = await runJson([...create, '--denied-event-names', 'a, b'])
    const json = await runJson([...create, '--denied-event-names', '["a,b"," c"]'])
    expect([plain.denied_event_names, json.denied_event_names]).toEqual([
      ['a', 'b'],
      ['a,b', ' c'],
    ])
  })

  it('walks a key through its life', async () => {
    const { run, runJson } = openShell()
    const { id, key } = await runJson(create)
    expect((await run(['check', '--type', 'track'], key)).out).toContain('accepted')

    const changed = await runJson(['update', id, '--name', 'Site', '--allowed-event-types', 'page'])
    expect(changed).toMatchObject({ name: 'Site', allowed_event_types: ['page'], version: 2 })
    expect(await runJson(['update', id, '--allowed-event-types', 'null'])).toMatchObject({
      allowed_event_types: null,
    })
    expect((await run(['update', id, '--name', 'x', '--if-version', '1'])).code).toBe(1)

    const rotated = await runJson(['rotate', id, '--grace-period-hours', '0.5'])
    expect(rotated.secrets).toHaveLength(2)
    const old = await run(['check'], key)
    expect([old.code, old.out.includes('This secret was rotated and ends at')]).toEqual([0, true])

    expect((await run(['show', id])).out).toContain('Site')
    expect(await runJson(['usage', id])).toMatchObject({ id, accepted_total: 0, refused_total: 0 })

    const revoked = await run(['revoke', id, '--yes'])
    expect([revoked.code, revoked.out]).toEqual([
      0,
      `Revoked ${id} (Site). No process accepts it any more.\n`,
    ])
    expect((await run(['check'], rotated.key)).out).toContain('refused: revoked_key (HTTP 401)')
    expect((await run(['rotate', id])).code).toBe(1)
    expect((await run(['delete', id, '--yes'])).code).toBe(0)
    expect((await run(['show', id])).code).toBe(1)
    const { data } = await runJson(['audit', '--key', id])
    expect(data.map(({ action }: { action: string }) => action)).toEqual([
      'remove',
      'revoke',
      'rotate',
      'update',
      'update',
      'create',
    ])
    expect(data[0].actor).toMatch(/^shell/)
  })

  it('says when an update changed nothing, and makes no version of it', async () => {
    const { run, runJson } = openShell()
    const { id } = await runJson([...create, '--rate-limit-eps', '50'])
    const same = ['update', id, '--rate-limit-eps', '50']
    for (const argv of [same, [...same, '--if-version', '1']])
      expect(await run(argv)).toEqual({ code: 0, out: `${id} (Web App) is like that already.\n`, err: '' })
    expect(await runJson(same)).toMatchObject({ version: 1 })
    const other = ['update', id, '--rate-limit-eps', '60']
    expect(await run(other)).toMatchObject({
      out: `Changed ${id} (Web App).\n`,
      err: expect.stringContaining('Written to '),
    })
    expect((await run([...other, '--if-version', '1'])).code).toBe(1)
    expect((await run(['update', id, '--name', 'Shop', '--if-version', '2'])).out).toBe(
      `Changed ${id} (Shop).\n`,
    )
    const { data } = await runJson(['audit', '--key', id])
    expect(data.map(({ action }: { action: string }) => action)).toEqual(['update', 'update', 'create'])
  })

  it('revokes and deletes only what is confirmed', async () => {
    const { run, runJson } = openShell()
    const { id, key } = await runJson(create)
    for (const command of ['revoke', 'delete']) {
      const silent = await run([command, id])
      expect([silent.code, silent.err]).toEqual([2, expect.stringContaining('confirm with --yes')])
      const wrong = await run([command, id], typist('yes'))
      expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('Not confirmed')])
      expect((await run(['check'], key)).code).toBe(0)
    }
    expect((await run(['revoke', id], typist(id))).code).toBe(0)
    expect((await run(['check'], key)).code).toBe(1)
  })

  it('refuses a secret as an argument, without repeating it', async () => {
    const { run, runJson } = openShell()
    const { key } = await runJson(create)
    for (const argv of [['check', key], ['show', key], ['list', `--q=${key}`], [key]]) {
      const { code, out, err } = await run(argv)
      expect(code).toBe(2)
      expect(out + err).not.toContain(key)
      expect(err).toContain('rotate that key')
    }
  })

  it.each([
    [[], 2],
    [['nope'], 2],
    [['constructor'], 2],
    [['list', '--nope'], 2],
    [['list', '--limit', 'many'], 2],
    [['show'], 2],
    [['show', 'wk_unknown'], 1],
    [['show', 'wk_1', 'wk_2'], 2],
    [['create', '--name', 'x'], 2],
    [[...create, '--rate-limit-eps', 'fast'], 2],
    [[...create, '--allowed-ips', 'nowhere'], 2],
    [[...create, '--metadata', '{'], 2],
    [['update', 'wk_1'], 2],
    [['list', '--store', 'ftp://x'], 2],
    [['list', '--store', 'sqlite:/nowhere/at/all.db'], 3],
    [['list', '--store', 'postgres://u:hunter2@127.0.0.1:1/x'], 3],
    [['--version'], 0],
    [['--help'], 0],
    [['list', '--help'], 0],
  ])('ends %j with exit code %i', async (argv, expected) => {
    const { run, runJson } = openShell()
    await runJson(create)
    const { code, out, err } = await run(argv)
    expect(code).toBe(expected)
    expect(out + err).not.toMatch(/hunter2|\n\s+at /)
    if (expected === 0) expect(out).not.toBe('')
  })

  it('says which option is wrong, in the spelling of the shell', async () => {
    const { run } = openShell()
    const { err } = await run([...create, '--allowed-origins', 'example.com/x'])
    expect(err).toContain('--allowed-origins[0]')
  })

  it('makes a store when asked to, and never by mistake', async () => {
    const { run } = openShell({}, { hasTables: false })
    const none = await run(['list'])
    expect([none.code, none.err]).toEqual([3, expect.stringContaining('writekey migrate')])
    expect((await run(['migrate'])).out).toMatch(
      /^Made the tables in sqlite:.*keys\.db\. They are up to date\.$/m,
    )
    expect((await run(['migrate'])).out).toContain('nothing to do')
    expect((await run(['list'])).code).toBe(0)
  })

  it('pages through a list', async () => {
    const { runJson } = openShell()
    for (let index = 0; index < 3; index++) await runJson(create)
    const first = await runJson(['list', '--limit', '2'])
    const second = await runJson(['list', '--limit', '2', '--cursor', first.next_cursor])
    expect([first.data.length, second.data.length, second.next_cursor]).toEqual([2, 1, null])
  })

  it('shows a deceiving name as what it is', async () => {
    const { run } = openShell()
    await run(['create', '--name', 'a\u202egnp.exe', '--source-type', 'web'])
    const { out } = await run(['list'])
    expect(out).not.toContain('\u202e')
    expect(out).toContain('a\\u202egnp.exe')
  })
})

describe('writekey check', () => {
  const cases: [string, string[], string[], string][] = [
    [
      'an event type that is not allowed',
      ['--allowed-event-types', 'page'],
      ['--type', 'track'],
      'event_type_not_allowed',
    ],
    [
      'a denied name',
      ['--denied-event-names', 'Spam'],
      ['--type', 'track', '--name', 'Spam'],
      'event_name_not_allowed',
    ],
    [
      'another origin',
      ['--allowed-origins', 'https://a.example'],
      ['--origin', 'https://b.example'],
      'origin_not_allowed',
    ],
    ['another address', ['--allowed-ips', '10.0.0.0/8'], ['--address', '192.0.2.1'], 'ip_not_allowed'],
    ['no address with an address rule', ['--allowed-ips', '10.0.0.0/8'], [], 'ip_not_allowed'],
    ['another environment', ['--environment', 'staging'], [], 'wrong_environment'],
  ]
  it.each(cases)('tells %s', async (_, rules, situation, reason) => {
    const { runJson } = openShell()
    const { id, key } = await runJson([...create, ...rules])
    const finding = await runJson(['check', ...situation], `${key}\n`)
    expect(finding).toMatchObject({ accepted: false, reason, key_id: id, key_name: 'Web App' })
    expect(finding.advice).toBeTruthy()
  })

  it('tells a key that is none, and one of another store', async () => {
    const { runJson } = openShell()
    const other = openShell()
    await runJson(create)
    const { key } = await other.runJson(create)
    expect(await runJson(['check'], 'sk_live_nothing')).toMatchObject({
      reason: 'malformed_key',
      key_id: null,
    })
    expect(await runJson(['check'], key)).toMatchObject({ reason: 'unknown_key', key_id: null })
  })

  it('accepts what the rules allow, and neither counts nor charges it', async () => {
    const { run, runJson } = openShell()
    const { id, key } = await runJson([
      ...create,
      '--rate-limit-eps',
      '0.01',
      '--allowed-origins',
      'https://a.example',
    ])
    for (let index = 0; index < 3; index++) {
      expect((await run(['check', '--type', 'track', '--origin', 'https://a.example'], key)).code).toBe(0)
    }
    expect((await run(['check', '--origin', 'https://b.example'], key)).code).toBe(1)
    expect(await runJson(['usage', id])).toMatchObject({
      accepted_total: 0,
      refused_total: 0,
      last_event_at: null,
    })
  })

  it('ends an earlier secret early, after asking, and says which one where there are several', async () => {
    const { run, runJson } = openShell()
    const { id, key: first } = await runJson(create)
    expect(await run(['end-grace', id, '--yes'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('No earlier secret of this key is in grace.'),
    })
    const { key: second } = await runJson(['rotate', id])
    expect((await run(['end-grace', id])).err).toContain('confirm with --yes')
    expect((await run(['check'], first)).code).toBe(0)
    await runJson(['rotate', id])
    const several = await run(['end-grace', id, '--yes'])
    expect(several).toMatchObject({ code: 2, err: expect.stringContaining('name one with --secret: ') })
    const [secretId] = /sec_\w+/.exec(several.err) as unknown as [string]
    expect((await run(['end-grace', id, '--secret', 'sec_none', '--yes'])).code).toBe(1)
    expect((await run(['end-grace', id, '--secret', secretId, '--yes'])).out).toMatch(
      /^Ended the secret sk_live_/,
    )
    expect((await run(['check'], first)).code).toBe(1)
    expect((await run(['end-grace', id], typist(id))).code).toBe(0)
    expect((await run(['check'], second)).code).toBe(1)
  })

  it('asks for the secret when there is none', async () => {
    const { run } = openShell()
    await run(create)
    expect((await run(['check'])).code).toBe(2)
  })
})
