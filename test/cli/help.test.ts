import { describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/command-table.ts'
import { commandHelp, overview } from '../../src/cli/help.ts'
import { openShell } from './shell.ts'

const names = Object.keys(commands) as (keyof typeof commands)[]
const id = 'wk_0123456789abcdef'
const web = ['create', '--source-type', 'web']

describe('the help', () => {
  it.each(names)('of %s has every option and an example, and fits 40 and 80 columns', (name) => {
    for (const width of [40, 80]) {
      const lines = commandHelp(name, width).split('\n')
      for (const flag of Object.keys(commands[name].flags)) expect(lines.join('\n')).toContain(`--${flag}`)
      const examples = lines.findIndex((line) => line.startsWith('Example'))
      expect(lines.slice(examples).join('\n')).toContain(`writekey ${name}`)
      // A word that is longer than the line stands by itself.
      const long = lines.slice(0, examples).filter((line) => line.length > width && /\S \S/.test(line))
      expect(long.filter((line) => !line.startsWith('  --'))).toEqual([])
    }
  })

  it('names every command, and is there however it is asked for', async () => {
    const { run } = openShell({}, { hasTables: false })
    for (const name of names) expect(overview(80)).toContain(`  ${name}`)
    const ways = [
      ['list', '--help'],
      ['help', 'list'],
      ['list', '--nope', '-h'],
      ['list', 'x', '--help'],
    ]
    for (const argv of ways) {
      const { code, out } = await run(argv)
      expect([argv, code, out]).toEqual([argv, 0, commandHelp('list', 100)])
    }
  })
})

describe('a command line that is wrong', () => {
  it.each([
    [['lsit'], 'There is no command lsit. Did you mean: writekey list?'],
    [['p@ssword-hunter2'], 'There is no command.'],
    [['list', '--statsu', 'x'], 'list has no option --statsu; did you mean --status?'],
    [['list', '-x'], 'list has no option -x.'],
    [['list', '--p@ss=hunter2'], 'An argument that begins with - is not an option of list'],
    [['list', '--status'], '--status needs a value: --status active|paused|revoked|expired|rotating.'],
    [['list', '--status', '--json'], '--status needs a value'],
    [
      ['list', '--status', 'actve'],
      '--status must be active, paused, revoked, expired or rotating; did you mean active? See: writekey list --help',
    ],
    [['list', '--sort', '-events24h'], 'did you mean -events_24h?'],
    [['list', '--json=yes'], '--json takes no value.'],
    [['list', '--q', 'a', '--q', 'b'], '--q is given twice.'],
    [['list', 'hunter2'], 'list takes no argument beside its options.'],
    [['list', '--csv', '--json'], 'Give --csv or --json, not both.'],
    [['list', '--limit', '0'], 'must be a whole number from 1 on; more than 100 counts as 100'],
    [['list', '--limit=-1'], 'must be a whole number from 1 on; more than 100 counts as 100'],
    [[...web, '--name', 'a', '--rate-limit-eps', '-1'], 'events per second from '],
    [[...web, '--name', 'a', '--rate-limit-eps=-1'], 'events per second from '],
    [['create'], 'create needs --name and --source-type'],
    [
      ['create', '--name', 'a', '--source-type', 'tv'],
      '--source-type must be web, mobile, server or other. See: ',
    ],
    [[...web, '--name', 'a', '--expires-at', 'tomorrow'], '--expires-at must be a moment with its zone'],
    [[...web, '--name', ''], '--name must have 1 to 100 characters.'],
    [[...web, '--name', 'a', '--trial', '{"alowed_ips":[]}'], '; did you mean allowed_ips?'],
    [['rotate', id, '--grace-period-hours', '721'], 'a number from 0 to 720'],
    [['show', 'hunter2!'], 'There is no write key with this id'],
    [['list', '--store', 'hunter2'], '--store must be sqlite:PATH'],
    [['list', '--store', 'postgres://u:hunter2@127.0.0.1:9/x'], 'postgres://127.0.0.1:9/x does not answer'],
  ])('%j is answered in one line that says what', async (argv, message) => {
    const { run } = openShell()
    const { code, out, err } = await run(argv)
    expect([code > 0, out, err]).toEqual([true, '', expect.stringContaining(message)])
    expect(err.split('\n')).toHaveLength(2)
    expect(err).not.toContain('hunter2')
  })
})
