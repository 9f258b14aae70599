import { expect, it } from 'vitest'
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
    ['["the old pepper"', 'no list in JSON'],
    ['', 'pepper must be'],
  ] as const) {
    const { code, err } = await withPeppers(peppers).run(['list'])
    expect([peppers, code]).toEqual([peppers, 2])
    expect(err).toContain(message)
    expect(err).not.toContain('new pepper')
  }
})
