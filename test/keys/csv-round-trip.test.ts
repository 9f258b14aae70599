import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toCsv } from '../../dashboard/src/words/export.ts'
import { csvLine } from '../../src/keys/csv-line.ts'
import { importColumns } from '../../src/keys/import-columns.ts'
import { createImportReader } from '../../src/keys/import-text.ts'
import { base, startAdmin } from '../admin/admin-calls.ts'
import { openShell } from '../cli/shell.ts'
import { csvKey, importFileOf } from './csv-keys.ts'

const columns = Object.keys(importColumns)
const secretOf = (index: number) => String(index).padStart(32, 'k')
const fields = Object.keys(fc.sample(csvKey, 1)[0] as object)
type Json = Readonly<Record<string, unknown>>

function readItems(csv: string): unknown[] {
  const reader = createImportReader(importColumns)
  return [...reader.push(csv), ...reader.end()].map((entry) => ('item' in entry ? entry.item : entry))
}

/** What was set on the keys, whatever their order. */
function settingsOf(keys: readonly Json[]): unknown[] {
  return keys.map((key) => JSON.stringify(fields.map((field) => [field, key[field] ?? null]))).sort()
}

const withoutNulls = (key: Json) =>
  Object.fromEntries(Object.entries(key).filter(([, value]) => value !== null))

describe('keys that were exported as CSV are imported as they were', () => {
  it('in every cell', () => {
    fc.assert(
      fc.property(fc.array(csvKey, { minLength: 1, maxLength: 3 }), (keys) => {
        const rows = keys.map((key) => csvLine(fields.map((field) => key[field as keyof typeof key])))
        expect(readItems(csvLine(fields) + rows.join(''))).toEqual(keys.map(withoutNulls))
      }),
      { numRuns: 3_000 },
    )
  })

  it('by the command', async () => {
    const env = { WRITEKEY_IMPORTED_KEYS: '^[A-Za-z0-9]{32}$' }
    const [from, to] = [openShell(env), openShell(env)]
    const keys = fc.sample(csvKey, 120)
    const made = keys.map((key, index) => JSON.stringify({ ...key, key: secretOf(index) }))
    expect(await from.runJson(['import'], made.join('\n'))).toMatchObject({ imported: 120, errors: [] })
    const { out } = await from.run(['list', '--all', '--csv'])
    expect(await to.runJson(['import'], importFileOf(out, columns, secretOf))).toMatchObject({
      imported: 120,
      errors: [],
    })
    expect(settingsOf((await to.runJson(['list', '--all'])).data)).toEqual(settingsOf(keys))
  })

  it('by the page and the HTTP API', async () => {
    const options = { keys: { importedKeys: /^[A-Za-z0-9]{32}$/ } }
    const [from, to] = [startAdmin(options), startAdmin(options)]
    const keys = fc.sample(csvKey, 100)
    for (const body of keys) expect(await from.call('POST', base, { body })).toMatchObject({ status: 201 })
    const { data } = (await from.call('GET', `${base}?limit=100`)).body
    const write_keys = readItems(importFileOf(toCsv(data), columns, secretOf))
    const { results } = (await to.call('POST', `${base}/import`, { body: { write_keys } })).body
    expect(results.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([])
    expect(settingsOf((await to.call('GET', `${base}?limit=100`)).body.data)).toEqual(settingsOf(keys))
  })
})

describe("somebody else's CSV", () => {
  it('keeps apostrophes in front of what is no formula, and those of secrets', () => {
    const row = `'Web,'tis,"'a,-b",'-secret,"[a,b]"`
    expect(readItems(`name,workspace,denied_event_names,key,allowed_event_names\n${row}\n`)).toEqual([
      {
        name: "'Web",
        workspace: "'tis",
        denied_event_names: ["'a", '-b'],
        key: "'-secret",
        allowed_event_names: ['[a', 'b]'],
      },
    ])
  })

  it.each([
    [' ["a,b"]', ['a,b']],
    ['[1,2]', ['[1', '2]']],
    ['["a",null]', ['["a"', 'null]']],
    ['{"a":"b"}', ['{"a":"b"}']],
  ])('the list %s is read as %j', (cell, list) => {
    expect(readItems(`denied_event_names\n"${cell.replaceAll('"', '""')}"`)).toEqual([
      { denied_event_names: list },
    ])
  })

  it.each([
    ['-x,@y', "'-x,@y"],
    ["'-x", "''-x"],
    ["''=x", "'''=x"],
    ["'x", "'x"],
    ["''", "''"],
  ])('%s is exported as %s', (name, cell) => {
    expect(csvLine([name])).toBe(cell.includes(',') ? `"${cell}"\r\n` : `${cell}\r\n`)
    expect(readItems(`name\n${csvLine([name])}`)).toEqual([{ name }])
  })

  it.each([
    [['a', 'b/*'], 'a,b/*'],
    [['a,b'], '["a,b"]'],
    [[' a'], '[" a"]'],
    [['["a"]'], '["[\\"a\\"]"]'],
    [['[a]'], '[a]'],
    [['\ud800'], '["\\ud800"]'],
    [[], '[]'],
  ])('the list %j is exported as %s', (list, cell) => {
    const line = csvLine([list])
    expect(
      line
        .slice(0, -2)
        .replace(/^"(.*)"$/, '$1')
        .replaceAll('""', '"'),
    ).toBe(cell)
    expect(readItems(`denied_event_names\n${line}`)).toEqual([{ denied_event_names: list }])
  })
})
