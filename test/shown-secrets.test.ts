import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../src/index.ts'
import { basic } from '../src/testing/adapter/golden/golden-request.ts'
import { post, setUp, web } from './manual-keys.ts'

describe('a secret', () => {
  it('shows nowhere but in the answers that hand it out', async () => {
    const logged: unknown[] = []
    const note = (...parts: unknown[]) => logged.push(parts)
    const store = createMemoryStore()
    const pepper = 'canary-canary-canary'
    const { keys, events } = setUp({ store, pepper, logger: { error: note, warn: note } })
    const created = await keys.create(web)
    const rotated = await keys.rotate(created.writeKey.id)
    const secrets = [created.key, rotated.key]
    const seen: unknown[] = [created.writeKey, rotated.writeKey, await keys.list()]
    for (const secret of secrets) {
      const verdict = await keys.verify(post(secret))
      if (verdict.ok) seen.push(verdict.writeKey, verdict.headers, { ...verdict.writeKey })
      seen.push(await keys.verify({ ...post(secret), headers: { authorization: `Bearer ${secret}` } }))
      seen.push(await keys.verify(post(secret, `{"writeKey": ${secret}}`)))
      seen.push(await keys.verify(post(`${secret}x`)))
      for (const call of [
        () => keys.get(secret),
        () => keys.create({ ...web, [secret]: 1 } as never),
        () => keys.create({ ...web, sourceType: secret as never }),
        () => keys.update(created.writeKey.id, { expiresAt: secret }),
        () => keys.list({ cursor: secret }),
      ]) {
        seen.push(await call().catch((error: Error) => [error.message, error.stack, { ...error }]))
      }
    }
    const page = await store.audit?.list({ limit: 100 })
    const shown = [
      inspect([keys, seen, events, logged, page], {
        depth: 20,
        showHidden: true,
        getters: true,
        maxStringLength: null,
        maxArrayLength: null,
      }),
      JSON.stringify([keys, seen, events, logged, page]),
    ].join('\n')
    const hashes = secrets.flatMap(
      async (secret) =>
        (await store.get(created.writeKey.id))?.secrets.map(({ keyHash }) => keyHash) ?? secret,
    )
    const hidden = [pepper, ...secrets, ...(await Promise.all(hashes)).flat()]
    for (const text of hidden) {
      const raw = Buffer.from(text)
      for (const spelling of [
        text,
        raw.toString('base64').replace(/=+$/, ''),
        raw.toString('hex'),
        basic(text).slice(6),
      ]) {
        expect(shown.includes(spelling)).toBe(false)
      }
    }
    for (const secret of secrets) expect(shown).not.toContain(secret.slice(13))
    expect(events.length).toBeGreaterThan(4)
  })
})
