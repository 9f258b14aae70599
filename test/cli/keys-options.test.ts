import { describe, expect, it } from 'vitest'
import { openShell } from './shell.ts'

it('takes several peppers from the environment, newest first, as an application does', async () => {
  const old = openShell({ WRITEKEY_PEPPER: 'the old pepper' })
  const made = (await old.run(['create', '--name', 'Old', '--source-type', 'web'])).out.trim()
  const withPeppers = (WRITEKEY_PEPPER: string) =>
    openShell({ WRITEKEY_STORE: old.store, WRITEKEY_PEPPER }, { hasTables: false })
  const lists = [
    'the new pepper, the old pepper',
    '["the newest, pepper", "the new pepper", "the old pepper", null]',
  ]
  for (const peppers of lists) {
    const both = withPeppers(peppers)
    expect((await both.run(['check'], made)).out).toContain('accepted')
    // The newest makes keys.
    const next = (await both.run(['create', '--name', 'New', '--source-type', 'web'])).out.trim()
    expect((await both.run(['check'], next)).out).toContain('accepted')
    const checked = await old.run(['check'], next)
    expect(checked.out + checked.err).not.toContain('accepted')
  }
  for (const [peppers, message] of [
    ['the new pepper,', 'pepper[1] must be'],
    ['["the old pepper"', 'is not a list in JSON'],
    ['', 'pepper must be'],
  ] as const) {
    const { code, err } = await withPeppers(peppers).run(['list'])
    expect([peppers, code]).toEqual([peppers, 2])
    expect(err).toContain(message)
    expect(err).not.toContain('new pepper')
  }
})

it('names the pepper where keys were made with another one, and how to give it', async () => {
  const peppered = openShell({ WRITEKEY_PEPPER: 'the pepper of the application' })
  const secret = (await peppered.run(['create', '--name', 'Peppered', '--source-type', 'web'])).out.trim()
  const plain = openShell()
  const unpeppered = (await plain.run(['create', '--name', 'Plain', '--source-type', 'web'])).out.trim()
  const create = ['create', '--name', 'New', '--source-type', 'web']
  const line = (key: string) => JSON.stringify({ name: 'Imported', source_type: 'web', key })
  const states: [store: string, env: Record<string, string>, key: string, told: string, argvs: string[][]][] =
    [
      [
        peppered.store,
        {},
        secret,
        'a pepper that this process lacks',
        [['check'], ['find'], ['import'], create],
      ],
      [
        peppered.store,
        { WRITEKEY_PEPPER: 'a pepper of another app' },
        secret,
        'that this process lacks',
        [['check'], ['find']],
      ],
      [
        plain.store,
        { WRITEKEY_PEPPER: 'a pepper of another app' },
        unpeppered,
        'without a pepper',
        [['check'], ['find']],
      ],
    ]
  for (const [store, env, key, told, argvs] of states) {
    const shell = openShell({ WRITEKEY_STORE: store, ...env }, { hasTables: false })
    for (const argv of argvs) {
      const { code, out, err } = await shell.run(argv, argv[0] === 'import' ? line(key) : key)
      expect([argv, code]).toEqual([argv, 3])
      expect(err).toContain(told)
      expect(err).toContain('WRITEKEY_PEPPER')
      expect(out + err).not.toContain(key)
    }
    // A list needs no secret.
    expect((await shell.run(['list'])).code).toBe(0)
  }
})

describe('a command line or environment that is wrong', () => {
  it.each([
    [['show'], 'id of a write key is missing'],
    [['create', '--source-type', 'web'], 'create needs --name'],
  ])('is told before a store is looked for (%s)', async (argv, message) => {
    const shell = openShell({ WRITEKEY_STORE: 'postgres://127.0.0.1:1/none' }, { hasTables: false })
    const { code, err } = await shell.run(argv)
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })

  it.each([
    ['WRITEKEY_TRUSTED_PROXIES', 'x', '10.0.0.0/8'],
    ['WRITEKEY_MAX_KEYS_PER_WORKSPACE', '-1', 'from 1 to 1000000'],
  ])('names the variable and what it may be (%s)', async (name, value, allowed) => {
    const { code, err } = await openShell({ [name]: value }).run(['list'])
    expect([code, err]).toEqual([2, expect.stringContaining(`${name} must be `)])
    expect(err).toContain(allowed)
  })
})
