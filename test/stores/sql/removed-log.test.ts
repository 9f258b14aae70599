import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { useFolder } from './databases.ts'

async function verify(keys: WriteKeys, key: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const verdict = await keys.verify({ method: 'GET', path: '/v1/track', headers })
  return verdict.ok ? 'accepted' : verdict.reason
}

describe('a SQLite file whose log somebody removes under processes that use it', () => {
  const folder = useFolder()
  function open(file: string): WriteKeys {
    const keys = createWriteKeys({
      store: createSqlStore({ url: `sqlite:${file}` }),
      logger: false,
      cache: { leaseMs: 60 },
    })
    onTestFinished(() => keys.close())
    return keys
  }

  it.each([[['-wal', '-shm']], [['-wal']], [['-shm']]])(
    'loses no revocation, of before or after (%s)',
    async (removed) => {
      const file = join(folder, `${randomBase62(8)}.db`)
      const [manager, verifier] = [open(file), open(file)]
      const created = await Promise.all(
        Array.from({ length: 30 }, (_, index) => manager.create({ name: `${index}`, sourceType: 'web' })),
      )
      for (const { key } of created) expect(await verify(verifier, key)).toBe('accepted')
      const [first, second, third] = [created.slice(0, 10), created.slice(10, 20), created.slice(20)]
      await Promise.all(first.map(({ writeKey }) => manager.revoke(writeKey.id)))
      for (const suffix of removed) rmSync(file + suffix)
      await Promise.all(second.map(({ writeKey }) => manager.revoke(writeKey.id)))
      const started = open(file)
      for (const { key } of [...first, ...second])
        for (const keys of [verifier, started]) expect(await verify(keys, key)).toBe('revoked_key')
      // A process that has come later changes keys, too.
      await Promise.all(
        third.map(({ writeKey }, index) => (index % 2 ? started : manager).revoke(writeKey.id)),
      )
      for (const { key } of created)
        for (const keys of [manager, verifier, started]) expect(await verify(keys, key)).toBe('revoked_key')
      expect((await started.list({ status: 'revoked', limit: 100 })).data).toHaveLength(30)
    },
  )
})
