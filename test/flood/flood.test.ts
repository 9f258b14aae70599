import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createWriteKeys, type KeyStore } from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { describeWithService } from '../services.ts'
import { useFolder, usePostgresDatabase } from '../stores/sql/databases.ts'
import { expectHarmless, runFlood } from './flood-campaign.ts'

/** A second and a half of load each, in which the clock leaps past every time that anything is remembered. */
const short = { durationMs: 1_500, leapEveryMs: 400 }

function floods(open: () => KeyStore): void {
  it('of 640 wrong keys a second from one address refuses no good key of a process that has just started', async () => {
    expectHarmless(await runFlood({ ...short, open, wrongPerSecond: 640, networks: 1, isWarm: false }))
  })

  it('of 640 wrong keys a second from 60 networks refuses no good key that is in use', async () => {
    expectHarmless(await runFlood({ ...short, open, wrongPerSecond: 640, networks: 60, isWarm: true }))
  })
}

describe('a flood against SQLite', () => {
  const folder = useFolder()
  it('of malformed keys asks nothing', async () => {
    const inner = createSqlStore({ url: 'sqlite::memory:' })
    let asked = 0
    const keys = createWriteKeys({
      store: {
        ...inner,
        poll(question) {
          asked++
          return inner.poll(question)
        },
      },
    })
    for (let sent = 0; sent < 2_000; sent++) {
      const secret = generateSecret('sk_live_').slice(0, -1)
      const headers = { authorization: `Basic ${btoa(`${secret}:`)}` }
      expect(await keys.verify({ method: 'GET', path: '/v1/track', headers })).toMatchObject({
        reason: 'malformed_key',
      })
    }
    expect(asked).toBe(0)
    await keys.close()
  })
  floods(() => createSqlStore({ url: `sqlite:${join(folder, 'flood.db')}` }))
})

describeWithService('postgres', 'a flood against PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  floods(() => createSqlStore({ url: database.url }))
})
