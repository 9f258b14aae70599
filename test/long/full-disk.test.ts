import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'

/** A file system of 16 MB, in memory; undefined where this user may not mount one. */
function mountSmall(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'writekey', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
}

const folder = mountSmall()
afterAll(() => {
  if (folder === undefined) return
  // Lazily: libsql lets go of a file when it is garbage collected.
  execFileSync('umount', ['-l', folder])
  rmSync(folder, { recursive: true })
})

async function verify(keys: WriteKeys, key: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const verdict = await keys.verify({ method: 'GET', path: '/v1/track', headers })
  return verdict.ok ? 'accepted' : verdict.reason
}

describe.skipIf(folder === undefined)('a SQLite file on a disk that is full', () => {
  it('refuses changes with the reason, verifies all the while, and holds every change that it confirmed', async () => {
    const root = folder as string
    const open = () => {
      const store = createSqlStore({ url: `sqlite:${join(root, 'keys.db')}` })
      const keys = createWriteKeys({ store, logger: false, cache: { leaseMs: 150 } })
      onTestFinished(() => keys.close())
      return keys
    }
    const [manager, verifier] = [open(), open()]
    const created = await Promise.all(
      Array.from({ length: 100 }, (_, index) => manager.create({ name: `${index}`, sourceType: 'web' })),
    )
    for (const { key } of created) expect(await verify(verifier, key)).toBe('accepted')
    const ballast = join(root, 'ballast')
    const other = new Database(join(root, 'keys.db'))
    onTestFinished(() => {
      other.close()
    })
    const fill = () => {
      // A log with room in it would take changes without the disk.
      other.prepare('pragma wal_checkpoint(truncate)').all()
      const { bavail, bsize } = statfsSync(root)
      writeFileSync(ballast, Buffer.alloc(Number(bavail) * Number(bsize)))
    }
    const outcomes = { revoked: 0, refused: 0 }
    for (const [index, { writeKey, key }] of created.entries()) {
      // Full for ten changes, with room for ten, and so on.
      if (index % 20 === 0) fill()
      if (index % 20 === 10) rmSync(ballast)
      try {
        await manager.revoke(writeKey.id)
        outcomes.revoked++
        for (const keys of [manager, verifier]) expect(await verify(keys, key)).toBe('revoked_key')
      } catch (error) {
        expect(error).toMatchObject({ code: 'store_unavailable', message: /full/ })
        outcomes.refused++
        for (const keys of [manager, verifier]) expect(await verify(keys, key)).toBe('accepted')
      }
    }
    expect(outcomes.revoked).toBeGreaterThan(40)
    expect(outcomes.refused).toBeGreaterThan(10)
    rmSync(ballast, { force: true })
    await Promise.all(created.map(({ writeKey }) => manager.revoke(writeKey.id)))
    const everybody = [manager, verifier, open()]
    for (const { key } of created) {
      for (const keys of everybody) {
        // Who cannot ask in time refuses, but does not say why.
        const told = new Set<string>()
        const ask = async () => told.add(await verify(keys, key))
        await expect.poll(ask).toContain('revoked_key')
        expect(told).not.toContain('accepted')
      }
    }
  })
})
