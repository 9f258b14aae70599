import { afterEach, describe, expect, it } from 'vitest'
import { createTestKeys } from '../../src/testing/index.ts'
import { blockWith, runModule } from '../docs/running-blocks.ts'

const page = 'docs/recipes/testing-handlers.md'

/** The tests of the page, by name, with its app. */
async function readTests(): Promise<Map<string, () => Promise<void>>> {
  const { createApp } = await runModule(blockWith(page, 'ts', '// app.ts').code)
  const tests = new Map<string, () => Promise<void>>()
  Object.assign(globalThis, {
    createApp,
    test: (name: string, run: () => Promise<void>) => tests.set(name, run),
  })
  const code = blockWith(page, 'ts', '// app.test.ts').code
  const withoutRunner = code.replace(/import .* from '(node:test|\.\/app\.js)'\n/g, '')
  expect(code.split('\n').length - withoutRunner.split('\n').length).toBe(2)
  await runModule(withoutRunner)
  return tests
}

describe('the page on testing handlers', () => {
  it('has tests that pass, and that fail when the app does something else', async () => {
    const tests = await readTests()
    expect(tests.size).toBe(2)
    for (const run of tests.values()) await run()
    Object.assign(globalThis, {
      createApp: (_keys: never, store: (event: unknown) => void) => {
        store('too early')
        return (_: never, response: { end(): void }) => response.end()
      },
    })
    for (const run of tests.values()) await expect(run()).rejects.toThrow()
  })
})

describe('createTestKeys', () => {
  let close = async () => {}
  afterEach(() => close())

  it('makes a key that the guard knows, with the options and fields given', async () => {
    const now = Date.UTC(2026, 0, 1)
    const { keys, key, id, authorization } = await createTestKeys({
      eventTypes: ['order'],
      clock: { now: () => now },
      key: { name: 'Shop', allowedEventTypes: ['order'], rateLimitEps: 2 },
    })
    close = () => keys.close()
    const send = async (type: string) => {
      const verdict = await keys.verify({
        method: 'POST',
        path: `/v1/${type}`,
        headers: { authorization, 'content-type': 'application/json' },
        body: '{}',
      })
      return verdict.ok ? verdict.writeKey.name : verdict.reason
    }
    expect(authorization).toBe(`Basic ${Buffer.from(`${key}:`).toString('base64')}`)
    const answers: string[] = []
    for (const type of ['order', 'track', 'order', 'order']) answers.push(await send(type))
    expect(answers).toEqual(['Shop', 'event_type_not_allowed', 'Shop', 'rate_limited'])
    await keys.revoke(id)
    expect(await send('order')).toBe('revoked_key')
  })

  it('refuses what createWriteKeys and create refuse, by name', async () => {
    await expect(createTestKeys({ maxEvents: 0 })).rejects.toThrow('maxEvents')
    await expect(createTestKeys({ key: { rateLimitEps: -1 } })).rejects.toThrow('rateLimitEps')
  })
})
