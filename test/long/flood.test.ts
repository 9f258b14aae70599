import { join } from 'node:path'
import { describe, it } from 'vitest'
import type { KeyStore } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { expectHarmless, runFlood } from '../flood/flood-campaign.ts'
import { describeWithService } from '../services.ts'
import { useFolder, usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'

/** Longer than anything is remembered. */
const durationMs = length(300_000, 2_500)

/** 640 wrong keys a second are 50 to each good one. */
const rows = [
  ['60 a second from one address, cold', { wrongPerSecond: 60, networks: 1, isWarm: false }],
  ['640 a second from one address, cold', { wrongPerSecond: 640, networks: 1, isWarm: false }],
  ['640 a second from one address, warm', { wrongPerSecond: 640, networks: 1, isWarm: true }],
  ['60 a second from 60 networks, warm', { wrongPerSecond: 60, networks: 60, isWarm: true }],
  ['640 a second from 60 networks, cold', { wrongPerSecond: 640, networks: 60, isWarm: false }],
] as const

function floods(database: string, open: (row: string) => () => KeyStore): void {
  it.each(rows)('refuses no good key: %s', async (name, row) => {
    const report = await runFlood({ ...row, open: open(name), durationMs })
    console.log(
      `${database}, ${name}: ${report.wrong} wrong, ${report.good} good, ${report.lookUpsOfUnknown} looks for unknown keys ` +
        `(budget ${Math.floor(report.budget)}), longest stall ${Math.round(report.stallMs)} ms`,
    )
    expectHarmless(report)
  })
}

describe('a flood of five minutes against SQLite', () => {
  const folder = useFolder()
  floods('SQLite', (row) => () => createSqlStore({ url: `sqlite:${join(folder, `${row}.db`)}` }))
})

describeWithService('postgres', 'a flood of five minutes against PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  floods('PostgreSQL', () => () => createSqlStore({ url: database.url }))
})
