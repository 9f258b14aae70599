import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { randomBase62 } from '../../src/runtime/base62.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'

const count = 30

/** Two processes that share a file. */
function start(): [WriteKeys, WriteKeys] {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-import-'))
  const open = () => {
    const store = createSqlStore({ url: `sqlite:${join(folder, 'keys.db')}` })
    const keys = createWriteKeys({ store, importedKeys: /^[0-9A-Za-z]{30}$/, logger: false })
    onTestFinished(() => keys.close())
    return keys
  }
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return [open(), open()]
}

let senders = 0
async function verify(keys: WriteKeys, secret: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${secret}:`)}` }
  // Each from an address of its own, so that no budget answers.
  const ip = `10.0.${senders >> 8}.${senders++ & 255}`
  const verdict = await keys.verify({ method: 'GET', path: '/v1/track', headers, ip })
  return verdict.ok ? 'accepted' : verdict.reason
}

it.each([
  ['revoke', 'revoked_key'],
  ['pause', 'key_paused'],
] as const)(
  'an import of a secret whose key is ended by %s meanwhile brings no access back',
  async (action, reason) => {
    const [manager, other] = start()
    const inputs = Array.from({ length: count }, (_, index) => ({
      name: `${index}`,
      sourceType: 'server' as const,
      key: randomBase62(30),
    }))
    const made = await manager.import(inputs)
    const ids = made.results.map((result) => (result.ok ? result.writeKey.id : ''))
    for (const { key } of inputs) expect(await verify(other, key)).toBe('accepted')
    const importing = Promise.all([0, 1, 2].map(() => other.import(inputs)))
    await Promise.all(
      ids.map(async (id, index) => {
        await manager[action](id)
        for (const keys of [manager, other])
          expect(await verify(keys, inputs[index]?.key as string)).toBe(reason)
      }),
    )
    const again = [...(await importing), await other.import(inputs)]
    for (const { results } of again)
      expect(results.every((result) => !result.ok && result.code === 'conflict')).toBe(true)
    for (const { key } of inputs) expect(await verify(other, key)).toBe(reason)
  },
)

it('an import of a secret whose key was removed makes another key, which every process accepts', async () => {
  const [manager, other] = start()
  const input = { name: 'iOS', sourceType: 'mobile' as const, key: randomBase62(30) }
  const [first] = (await manager.import([input])).results
  const id = first?.ok === true ? first.writeKey.id : ''
  await manager.remove(id)
  for (const keys of [manager, other]) expect(await verify(keys, input.key)).toBe('unknown_key')
  const [second] = (await other.import([input])).results
  expect(second).toMatchObject({ ok: true, writeKey: { status: 'active' } })
  expect(second?.ok === true && second.writeKey.id).not.toBe(id)
  for (const keys of [manager, other])
    await expect.poll(() => verify(keys, input.key), { interval: 10 }).toBe('accepted')
})
