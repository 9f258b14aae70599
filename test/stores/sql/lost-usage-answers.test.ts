import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/runtime/clock.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { createUsageRecorder } from '../../../src/usage/usage-recorder.ts'
import { describeWithService } from '../../services.ts'
import { auditEntry } from './audit-entry.ts'
import { type TestDatabase, useMysqlDatabase, usePostgresDatabase } from './databases.ts'
import { startLosingProxy } from './losing-proxy.ts'

const lostAnswers = 24
const flushes = 30

/** @param moments after which of a batch's statements, in turn, the connection is lost. */
function countOnce({ url }: TestDatabase, moments: readonly (readonly string[])[]): void {
  it(`counts every batch once when the answers to ${lostAnswers} of ${flushes} are lost`, async () => {
    const address = new URL(url)
    const proxy = await startLosingProxy(address.hostname, Number(address.port))
    onTestFinished(() => proxy.close())
    address.port = String(proxy.port)
    const store = createSqlStore({ url: address.href })
    onTestFinished(() => store.close())
    const record = createKeyRecord()
    await store.migrate()
    await store.insert(record, auditEntry())

    let errors = 0
    const recorder = createUsageRecorder({
      store: store.usage,
      clock: systemClock,
      eventTypes: ['track'],
      flushMs: 3_600_000,
      retentionMs: 86_400_000,
      onStoreError: () => errors++,
      onDropped: () => errors++,
    })
    const secretId = record.secrets[0]?.id as string
    for (let flush = 1; flush <= flushes; flush++) {
      if (flush <= lostAnswers) {
        proxy.loseAnswerTo(...(moments[flush % moments.length] as readonly string[]))
      }
      recorder.accepted(record.id, secretId, 'track', [{}, {}], [], Date.now())
      await recorder.flush()
      expect(proxy.lost).toBe(Math.min(flush, lostAnswers))
    }
    await recorder.close()
    expect(errors).toBe(lostAnswers)

    const to = Math.ceil((Date.now() + 1) / 300_000) * 300_000
    const counts = await store.usage.read({
      keyIds: [record.id],
      from: to - 3_600_000,
      to,
      bucketMs: 3_600_000,
    })
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(2 * flushes)
  })
}

describeWithService('postgres', 'usage behind a network that loses answers, in PostgreSQL', (address) => {
  countOnce(usePostgresDatabase(address), [['usage_writers']])
})

describeWithService('mysql', 'usage behind a network that loses answers, in MariaDB', (address) => {
  countOnce(useMysqlDatabase(address), [
    // Before the commit, and at it: whether the batch was counted cannot be told.
    ['update `writekey_usage_writers`'],
    ['insert into `writekey_usage`'],
    ['insert into `writekey_usage`', 'commit'],
  ])
})
