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
      [`${key}:`, 'a user name with its colon'],
      [`Basic ${basic(`${key}:`)}`, 'a Basic header'],
      [`authorization: basic ${basic(`${key}:`)}\n`, 'a Basic header'],
      [`Authorization: Bearer ${key}`, 'a Bearer header'],
      [`X-Write-Key: ${key}`, 'an X-Write-Key header'],
      [`curl -u '${key}:' https://events.example.com/v1/track`, 'a longer text'],
      [`{"writeKey":"${key}"}`, 'a longer text'],
    ]
    for (const [paste, found_in] of pastes)
      expect(await runJson(['check'], paste)).toMatchObject({ accepted: true, found_in })
    for (const paste of [`Basic ${basic(`:${key}`)}`, `Basic ${key}`]) {
      const { code, out, err } = await run(['check'], paste)
      expect([code, out]).toEqual([
        1,
        expect.stringContaining('The secret is right, but not where it stands.'),
      ])
      expect(out + err).not.toContain(key)
    }
    const hidden: boolean[] = []
    const typed = await run(['check'], typist(key, hidden))
    expect([typed.code, hidden]).toEqual([0, [true, false]])
    expect(typed.out + typed.err).not.toContain(key)
    expect((await run(['check'], typist('\u0003'))).err).toContain('Interrupted; nothing was done.')
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
})
