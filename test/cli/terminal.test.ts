import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable } from '../../src/cli/terminal.ts'
import { openShell } from './shell.ts'

/** C0 and C1, bidirectional and zero-width characters, tags, separators, a half surrogate, a character drawn as nothing. */
const hostile = [
  '\u001b[2J',
  '\u009b31m',
  '\u0090',
  '\u0007',
  '\b',
  '\r',
  '\u007f',
  '\u0085',
  '\u202e',
  '\u2066',
  '\u200b',
  '\u200d',
  '\u061c',
  '\u00ad',
  '\ufeff',
  '\u2028',
  '\u2029',
  '\ufff9',
  '\u{e0041}',
  '\u{1d173}',
  '\ud800',
  '\udc00',
  '\u034f',
  '\u3164',
  '\u115f',
]
const seen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(...hostile),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('é', '購', '😀', '❤\ufe0f', 'a'),
    ),
  )
  .map((parts) => parts.join(''))

describe('what is printed', () => {
  it('shows every character that a terminal would obey or hide', () => {
    fc.assert(
      fc.property(text, (value) => {
        const shown = printable(value)
        expect(seen.test(shown)).toBe(false)
        expect(
          JSON.parse(`"${shown.replace(/[\\"]/g, (one) => (one === '"' ? '\\"' : '\\'))}"`),
        ).toBeDefined()
      }),
    )
  })

  it('is still the same JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(text, fc.oneof(text, fc.array(text))), (value) => {
        const json = JSON.stringify(value)
        const shown = printable(json)
        expect(seen.test(shown)).toBe(false)
        expect(JSON.stringify(JSON.parse(shown))).toBe(json)
      }),
    )
  })

  it.each(['é', '購入', '😀', '❤\ufe0f', 'a b', '\\u202e'])('leaves %j as it is', (value) => {
    expect(printable(value)).toBe(value)
  })

  it('is safe in every command, in tables, as JSON and in errors', async () => {
    const { run, runJson } = openShell()
    const name = 'a\u202eb\u200b\u{e0041}\u00adc'
    const { id } = await runJson(['create', '--name', name, '--source-type', 'web'])
    const metadata = JSON.stringify({ note: '\u009b31m\u001b[2J\u2066' })
    const names = `x\u202e,y\u200b`
    const outcomes = [
      await run(['update', id, '--metadata', metadata, '--allowed-event-names', names]),
      await run(['list']),
      await run(['list', '--json']),
      await run(['show', id]),
      await run(['show', id, '--json']),
      await run(['audit']),
      await run(['audit', '--json']),
      await run(['rotate', id]),
      await run(['update', id, '--name', '\u001b[2J']),
      await run(['show', '\u001b[2J\u202e']),
      await run(['list', '--status', '\u009b\u202e']),
      await run(['\u001b[2J']),
      await run(['list', '--\u202e']),
      await run(['list', '--store', 'sqlite:\u202e\u001b[2J.db']),
      await run(['serve', '--port', '\u001b[2J']),
      await run(['revoke', id, '--yes']),
    ]
    for (const { out, err } of outcomes) {
      for (const line of [...out.split('\n'), ...err.split('\n')]) expect(line).not.toMatch(seen)
    }
    expect((await runJson(['show', id])).name).toBe(name)
  })
})

describe('an event on standard output', () => {
  it('cannot speak to the terminal of whoever watches', async () => {
    const { serve } = openShell({ WRITEKEY_STORE: 'memory:' })
    const { server, read } = await serve({ WRITEKEY_STORE: 'memory:' })
    const key = /sk_live_[0-9A-Za-z]{38}/.exec(read().out)?.[0]
    const event = { event: '\u009b31m\u001b[2J\u202eevil', userId: '\u200bu' }
    const answer = await fetch(`${server.url}/v1/track`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, connection: 'close' },
      body: JSON.stringify(event),
    })
    expect(answer.status).toBe(200)
    const line =
      read()
        .out.split('\n')
        .find((one) => one.includes('evil')) ?? ''
    expect(line).not.toMatch(seen)
    expect(JSON.parse(line)).toMatchObject(event)
  })
})
