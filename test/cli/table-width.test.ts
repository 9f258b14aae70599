import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { openShell } from './shell.ts'

const create = ['create', '--name', 'Web App', '--source-type', 'web']

describe('a table', () => {
  it('fits its terminal by cells, and is whole elsewhere', async () => {
    const { run } = openShell()
    const name = 'Web 購入アプリ e\u0301 👩 and whatever else it is called'
    await run(['create', '--name', name, '--source-type', 'web', '--workspace', 'acme'])
    const [heading, row] = (await run(['list'])).out.split('\n') as [string, string]
    expect(heading).toContain('WORKSPACE')
    expect(stringWidth(row.slice(0, row.indexOf('web  ')))).toBe(heading.indexOf('SOURCE'))
    for (const columns of [40, 80, 200]) {
      const { out, err } = await run(['list'], '', columns)
      for (const line of out.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(columns)
      expect(out).toMatch(/wk_\w{16} .*active/)
      expect(err.includes('Columns that do not fit')).toBe(columns < 200)
    }
  })

  it('is coloured on a terminal alone, unless NO_COLOR or FORCE_COLOR says else', async () => {
    const { run, store } = openShell()
    await run(create)
    const isColoured = async (env: Record<string, string>, columns?: number) => {
      const shell = openShell({ WRITEKEY_STORE: store, ...env }, { hasTables: false })
      return (await shell.run(['list'], '', columns)).out.includes('\u001b[32mactive')
    }
    expect(await isColoured({})).toBe(false)
    expect(await isColoured({}, 120)).toBe(true)
    expect(await isColoured({ NO_COLOR: '1' }, 120)).toBe(false)
    expect(await isColoured({ TERM: 'dumb' }, 120)).toBe(false)
    expect(await isColoured({ FORCE_COLOR: '1' })).toBe(true)
    expect(await isColoured({ FORCE_COLOR: '0' }, 120)).toBe(false)
  })

  it('is CSV with names as they are in a file, and with nothing hidden on a terminal', async () => {
    const { run } = openShell()
    await run(['create', '--name', 'ab\u202ecd', '--source-type', 'web'])
    expect((await run(['list', '--csv'])).out).toContain(',ab\u202ecd,web,')
    const { out } = await run(['list', '--csv'], '', 200)
    expect(out).toContain(',ab\\u202ecd,web,')
    expect(out).not.toContain('\u202e')
  })

  it('is CSV with every rule, in which an empty list differs from none, and which import reads', async () => {
    const { run } = openShell()
    const rules = {
      'allowed-event-names': 'Order Paid,Signed Up',
      'allowed-origins': '',
      'allowed-ips': '192.0.2.7,2001:db8::/32',
      metadata: '{"team":"a, b"}',
      trial: '{"rate_limit_eps":5}',
      'expires-at': '2099-01-01T00:00:00.000Z',
    }
    const flags = Object.entries(rules).flatMap(([name, value]) => [`--${name}`, value])
    await run(['create', '--name', 'Ruled', '--source-type', 'server', ...flags])
    await run(['create', '--name', 'Free', '--source-type', 'server'])
    const { out } = await run(['list', '--csv'])
    const wanted = ['name', 'source_type', ...Object.keys(rules).map((name) => name.replaceAll('-', '_'))]
    const rows = out.trim().split('\r\n').map(cellsOf)
    const [header, free, ruled] = rows.map((cells) =>
      wanted.map((name) => cells[(rows[0] as string[]).indexOf(name)]),
    ) as [string[], string[], string[]]
    expect(header).toEqual(wanted)
    expect(free).toEqual(['Free', 'server', '', '', '', '', '', ''])
    expect(ruled).toEqual([
      'Ruled',
      'server',
      rules['allowed-event-names'],
      '[]',
      ...Object.values(rules).slice(2),
    ])
    const quoted = (cells: string[]) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')
    const other = openShell()
    const secret = 'a'.repeat(64)
    const file = `${quoted([...header, 'key_hash'])}\n${quoted([...ruled, secret])}\n`
    expect((await other.run(['import'], file)).code).toBe(0)
    const again = cellsOf((await other.run(['list', '--csv'])).out.trim().split('\r\n')[1] as string)
    expect(wanted.map((name) => again[(rows[0] as string[]).indexOf(name)])).toEqual(ruled)
  })

  it('is CSV that no spreadsheet runs, over all pages and in the order asked for', async () => {
    const { run } = openShell()
    for (const name of ['=1+1', 'a,"b"', 'c']) await run(['create', '--name', name, '--source-type', 'web'])
    for (const sort of ['name', 'events_24h']) {
      const { out } = await run(['list', '--all', '--limit', '1', '--csv', '--sort', sort])
      const lines = out.split('\r\n').map((line) => line.replace(/^wk_\w{16},/, ''))
      expect(lines.shift()).toMatch(/^id,name,source_type,environment,workspace,/)
      const cells = lines.map((line) => line.split(',web,')[0])
      expect(cells.sort()).toEqual(['', '"a,""b"""', "'=1+1", 'c'].sort())
    }
  })
})

/** The cells of a row of CSV. */
function cellsOf(row: string): string[] {
  return [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain as string) : quoted.replaceAll('""', '"'),
  )
}
