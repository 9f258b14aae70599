import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { PassThrough, Readable, Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { randomBase62 } from '../../src/runtime/base62.ts'
import { openShell } from './shell.ts'

const env = { WRITEKEY_IMPORTED_KEYS: '^[A-Za-z0-9]{32}$' }
const foreign = () => randomBase62(32)
const line = (key: string, more = {}) => JSON.stringify({ name: 'iOS', source_type: 'mobile', key, ...more })

describe('writekey import', () => {
  it('imports a file, and a second time skips what exists and says so', async () => {
    const { run, runJson } = openShell(env)
    const secrets = Array.from({ length: 1_203 }, foreign)
    const file = secrets.map((secret) => line(secret)).join('\n')
    const dry = await run(['import', '--dry-run'], `${file}\n${line(secrets[0] as string)}`)
    expect([dry.code, dry.out]).toEqual([
      0,
      'Dry run, nothing was stored: 1203 would be imported, 0 exist already, 1 repeat an earlier line, 0 would be refused.\n',
    ])
    const part = await run(
      ['import'],
      secrets
        .slice(0, 500)
        .map((secret) => line(secret))
        .join('\n'),
    )
    expect([part.code, part.out]).toEqual([0, 'Imported 500; skipped 0 that exist already; refused 0.\n'])
    const rest = await run(['import'], file)
    expect([rest.code, rest.out]).toEqual([0, 'Imported 703; skipped 500 that exist already; refused 0.\n'])
    expect(await runJson(['import'], file)).toEqual({
      imported: 0,
      existing: 1_203,
      repeats: [],
      refused: 0,
      errors: [],
      dry_run: false,
    })
    expect((await run(['check', '--type', 'track'], secrets.at(-1) as string)).out).toContain('accepted')
  })

  it('refuses a line that is not UTF-8, so that no rule of it gets lost', async () => {
    const { run } = openShell(env)
    const row = (name: string) => `${name},web,${foreign()},${name} Opened\n`
    const file = `name,source_type,key,denied_event_names\n${row('Café')}${row('Shop')}`
    const { code, out, err } = await run(['import'], Readable.from([Buffer.from(file, 'latin1')]) as never)
    expect([code, out]).toEqual([1, 'Imported 1; skipped 0 that exist already; refused 1.\n'])
    expect(err).toContain('line 2: has characters that are not UTF-8: save the file as UTF-8')
    expect((await run(['list'])).out).not.toContain('Caf')
  })

  it('tells lines that repeat an earlier one from those that exist, also in calls of their own', async () => {
    const { run, runJson } = openShell(env)
    const [first, ...others] = Array.from({ length: 1_050 }, foreign) as [string, ...string[]]
    const hash = createHash('sha256').update(first).digest('hex')
    const hashed = JSON.stringify({ name: 'iOS', source_type: 'mobile', key_hash: hash.toUpperCase() })
    const file = [line(first), line(first), ...others.map((secret) => line(secret)), line(first), hashed]
    const repeats = [2, 1_052, 1_053].map((repeated) => ({ line: repeated, of: 1 }))
    const numbers = { refused: 0, errors: [], repeats }
    const dry = await runJson(['import', '--dry-run'], file.join('\n'))
    expect(dry).toEqual({ imported: 1_050, existing: 0, ...numbers, dry_run: true })
    const { code, out, err } = await run(['import'], file.join('\n'))
    expect([code, out]).toEqual([
      0,
      'Imported 1050; skipped 0 that exist already; 3 repeat an earlier line; refused 0.\n',
    ])
    expect(err).toMatch(/^line 1052: has the secret of line 1, and is skipped$/m)
    const again = await runJson(['import'], file.join('\n'))
    expect(again).toEqual({ imported: 0, existing: 1_050, ...numbers, dry_run: false })
  })

  it('tells in a dry run which lines find no room, also in calls of their own', async () => {
    const { run, runJson } = openShell(env)
    const inAcme = (secret: string) =>
      JSON.stringify({ name: 'iOS', source_type: 'mobile', workspace: 'acme', key: secret })
    const secrets = Array.from({ length: 1_002 }, foreign)
    const file = [inAcme, line, ...secrets.slice(2).map(() => inAcme)].map((toLine, at) =>
      toLine(secrets[at] as string),
    )
    const numbers = { imported: 1_001, existing: 0, refused: 1, repeats: [] }
    const errors = [{ line: 1_002, code: 'workspace_full' }]
    expect(await runJson(['import', '--dry-run'], file.join('\n'))).toMatchObject({ ...numbers, errors })
    expect((await run(['import'], file.join('\n'))).out).toMatch(/^Imported 1001; .* refused 1\.$/m)
  })

  it('names the line of each key that it refuses, imports the others, and repeats no secret', async () => {
    const { run } = openShell(env)
    const [good, bad] = [foreign(), `${foreign()}!`]
    const file = [
      'name,source_type,key',
      `iOS,mobile,${good}`,
      `iOS,tv,${foreign()}`,
      `iOS,mobile,${bad}`,
      'short',
    ].join('\n')
    const { code, out, err } = await run(['import'], file)
    expect([code, out]).toEqual([1, 'Imported 1; skipped 0 that exist already; refused 3.\n'])
    expect(err).toMatch(/^line 3: source_type /m)
    expect(err).toMatch(/^line 4: key /m)
    expect(err).toMatch(/^line 5: has 1 cells/m)
    for (const secret of [good, bad, bad.slice(0, 32)]) expect(out + err).not.toContain(secret)
    const cut = await run(['import'], line(bad).slice(0, -3))
    expect([cut.code, cut.err.includes(bad.slice(0, 20))]).toEqual([1, false])
  })

  it('refuses the lines whose secrets have ended, and imports the others', async () => {
    const { run, runJson } = openShell(env)
    const [ended, fresh] = [foreign(), foreign()]
    await run(['import'], line(ended))
    const { id } = (await runJson(['find'], ended)) as { id: string }
    await run(['delete', id, '--yes'])
    const file = `${line(ended)}\n${line(fresh)}`
    const dry = await run(['import', '--dry-run'], file)
    expect([dry.code, dry.out]).toEqual([
      1,
      'Dry run, nothing was stored: 1 would be imported, 0 exist already, 1 would be refused.\n',
    ])
    const { code, out, err } = await run(['import'], file)
    expect([code, out]).toEqual([1, 'Imported 1; skipped 0 that exist already; refused 1.\n'])
    expect(err).toMatch(/^line 1: key has ended \(on \d{4}-\d\d-\d\d\), .*create a key/m)
    expect(out + err).not.toContain(ended)
  })

  it('says at Ctrl-C how far it came, and goes on from there when it is run again', async () => {
    const { run, store } = openShell(env)
    const lines = Array.from({ length: 1_200 }, () => `${line(foreign())}\n`)
    await run(['list'])
    const signals = new EventEmitter()
    const stdin = new PassThrough()
    const text = { out: '', err: '' }
    const sink = (name: 'out' | 'err') =>
      new Writable({
        write(chunk, _, done) {
          text[name] += chunk
          done()
        },
      })
    const importing = runCommandLine(
      ['import'],
      { stdin, stdout: sink('out'), stderr: sink('err'), env: { ...env, WRITEKEY_STORE: store }, signals },
      () => {},
    )
    stdin.write(lines.join(''))
    await expect
      .poll(async () => (await run(['list', '--all', '--csv'])).out.split('\n').length, { timeout: 20_000 })
      .toBeGreaterThan(1_000)
    signals.emit('SIGINT')
    expect(await importing).toBe(130)
    expect(text.out).toBe('')
    expect(text.err.trim().split('\n').at(-1)).toMatch(
      /^writekey: Interrupted: 1000 imported, 0 skipped .* Run the same command on the whole file again/,
    )
    expect(signals.eventNames()).toEqual([])
    expect((await run(['import'], lines.join(''))).out).toMatch(/^Imported 200; skipped 1000 that exist/)
  }, 60_000)

  it('draws its progress on a terminal alone', async () => {
    const { run } = openShell(env)
    expect((await run(['import'], line(foreign()))).err).toMatch(/^Written to .*\n$/)
  })

  it('takes bytes that part a character', async () => {
    const { run } = openShell(env)
    const bytes = Buffer.from(line(foreign(), { name: 'Größe 🌍' }))
    const { code } = await run(
      ['import'],
      Readable.from(
        Array.from(bytes, (byte) => Buffer.from([byte])),
        { objectMode: false },
      ),
    )
    expect(code).toBe(0)
    expect((await run(['list'])).out).toContain('Größe 🌍')
  })

  it('refuses a format it does not know, an empty file, and a shape that is none', async () => {
    const { run } = openShell(env)
    expect((await run(['import', '--format', 'xml'], line(foreign()))).code).toBe(2)
    expect((await run(['import'], '\n')).code).toBe(2)
    for (const shape of ['[', '^(a|b){32}$']) {
      const { code, err } = await openShell({ WRITEKEY_IMPORTED_KEYS: shape }).run(
        ['import'],
        line(foreign()),
      )
      expect([code, err]).toEqual([2, expect.stringMatching(/WRITEKEY_IMPORTED_KEYS|importedKeys/)])
    }
  })
})

describe('a secret that leaked', () => {
  it('is found and its key revoked, from standard input alone', async () => {
    const { run, runJson } = openShell(env)
    const { id, key } = await runJson(['create', '--name', 'Web', '--source-type', 'web'])
    expect((await runJson(['find', '--secret-stdin'], `${key}\n`)).id).toBe(id)
    expect((await run(['find', '--secret-stdin'], foreign())).code).toBe(1)
    expect((await run(['find', '--secret-stdin'], '')).code).toBe(2)
    const unsure = await run(['revoke', '--secret-stdin'], key)
    expect([unsure.code, unsure.err]).toEqual([2, expect.stringContaining('--yes')])
    expect((await run(['revoke', id, '--secret-stdin', '--yes'], key)).code).toBe(2)
    const revoked = await run(['revoke', '--secret-stdin', '--yes'], key)
    expect([revoked.code, revoked.out]).toEqual([0, expect.stringContaining(`Revoked ${id}`)])
    expect(revoked.out + revoked.err).not.toContain(key)
    expect((await run(['check'], key)).out).toContain('revoked_key')
  })

  it('has a pattern for scanners, one for each prefix', async () => {
    const { run, runJson } = openShell()
    const { key } = await runJson(['create', '--name', 'Web', '--source-type', 'web'])
    const { code, out } = await run(['pattern'])
    expect([code, out]).toEqual([0, 'sk_live_[0-9A-Za-z]{38}\nsk_test_[0-9A-Za-z]{38}\n'])
    const [live] = out.split('\n')
    expect(new RegExp(live as string).exec(`const key = '${key}'`)?.[0]).toBe(key)
    const own = openShell({ WRITEKEY_KEY_PREFIX: 'acme_wk_' })
    expect(await own.runJson(['pattern'])).toContainEqual({
      prefix: 'acme_wk_',
      pattern: 'acme_wk_[0-9A-Za-z]{38}',
    })
  })
})
