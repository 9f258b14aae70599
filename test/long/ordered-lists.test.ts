import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import Database from 'libsql'
import { expect, it } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { createWriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { auditEntry } from '../stores/sql/audit-entry.ts'
import { useFolder } from '../stores/sql/databases.ts'
import { length } from './length.ts'

const total = length(20_000, 20_000)
const hourMs = 3_600_000
const folder = useFolder()

it('orders 20 000 keys by their counts as a whole, with many alike, in the library and in the command', async () => {
  const file = join(folder, 'keys.db')
  const store = createSqlStore({ url: `sqlite:${file}` })
  await store.migrate()
  for (let from = 0; from < total; from += 1_000) {
    const records = Array.from({ length: 1_000 }, () => createKeyRecord())
    await store.insertAll?.(records.map((record) => ({ record, audit: auditEntry(`aud_${record.id}`) })))
  }
  const database = new Database(file)
  const at = Math.floor(Date.now() / hourMs) * hourMs - hourMs
  // A hundred counts for all of them; a hundredth has none.
  database.exec(`insert into writekey_usage (key_id, bucket_at, kind, name, total)
    select id, ${at}, 'refused', 'rate_limited', rowid % 100 from writekey_keys where rowid % 100 > 0`)
  const expected = database
    .prepare(
      `select k.id, coalesce(u.total, 0) as total from writekey_keys k left join writekey_usage u on u.key_id = k.id
       order by 2 desc, k.id desc`,
    )
    .all() as { id: string; total: number }[]
  database.close()

  const keys = createWriteKeys({ store })
  const walked: string[] = []
  const took: number[] = []
  let cursor: string | null = null
  do {
    const began = performance.now()
    const page = await keys.list({ sort: '-rejected_24h', limit: 100, ...(cursor !== null && { cursor }) })
    took.push(performance.now() - began)
    walked.push(...page.data.map(({ id }) => id))
    cursor = page.nextCursor
  } while (cursor !== null)
  expect(walked).toEqual(expected.map(({ id }) => id))
  const later = took.slice(1).sort((a, b) => a - b)
  console.log(
    `first page ${Math.round(took[0] as number)} ms, later ones ${Math.round(later[later.length >> 1] as number)} ms`,
  )
  await keys.close()

  let out = ''
  const stdout = new Writable({
    write(chunk, _, done) {
      out += chunk
      done()
    },
  })
  const terminal = { env: {}, stdin: Readable.from([]), stdout, stderr: stdout }
  const flags = ['list', '--all', '--csv', '--sort=rejected_24h', '--store', `sqlite:${file}`]
  expect(await runCommandLine(flags, terminal as never, () => {})).toBe(0)
  const rows = out.trim().split('\n').slice(1)
  expect(rows.map((row) => row.split(',')[0])).toEqual(expected.map(({ id }) => id).reverse())
}, 180_000)
