import { expect, it } from 'vitest'
import { tellStoreFailure } from '../../src/cli/store-failure.ts'
import { StoreError } from '../../src/index.ts'
import { describeWithService } from '../services.ts'
import { openShell } from './shell.ts'

describeWithService('mysql', 'a URL of PostgreSQL at the port of MariaDB', (address) => {
  it('is answered with the scheme that fits', async () => {
    const { host } = new URL(address)
    const { run } = openShell({ WRITEKEY_STORE: `postgres://postgres@${host}/app` }, { hasTables: false })
    const { code, err } = await run(['list'])
    expect([code, err]).toEqual([
      3,
      `writekey: postgres://${host}/app: What answers there does not speak the protocol of PostgreSQL. If it is MariaDB or MySQL, the URL begins with mysql://.\n`,
    ])
  })
})

// MariaDB's driver waits for PostgreSQL to speak first, and PostgreSQL waits as well.
it('names the schemes where nothing answers in time', () => {
  for (const message of [
    'The database failed: connect ETIMEDOUT [ETIMEDOUT]',
    'The database did not take a connection in time.',
  ]) {
    const told = tellStoreFailure(new StoreError('store_timeout', message), 'mysql://127.0.0.1:5432/app')
    expect(String(told)).toMatch(/mysql:\/\/127\.0\.0\.1:5432\/app does not answer in time\..* postgres:\/\//)
  }
})
