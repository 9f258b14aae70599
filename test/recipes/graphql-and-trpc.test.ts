import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { CreateKeyInput, WriteKeys } from '../../src/index.ts'
import { sourceOf } from '../docs/compiled-blocks.ts'
import { serve } from '../neighbours/served.ts'
import { describeWithService } from '../services.ts'
import { fileOf } from './deployed-app.ts'

const page = 'docs/recipes/graphql-and-trpc.md'

describeWithService('recipes', 'the recipes for GraphQL and tRPC', (packages) => {
  /** Runs a file of the page, and gives its log and a way to send to it. */
  async function start(name: string, fields: Partial<CreateKeyInput> = {}) {
    const log: unknown[][] = []
    vi.spyOn(console, 'log').mockImplementation((...line) => void log.push(line))
    const { app, keys } = (await load(packages, fileOf(page, name))) as {
      app: RequestListener
      keys: WriteKeys
    }
    onTestFinished(() => keys.close())
    const { key } = await keys.create({ name: 'Shop', sourceType: 'server', ...fields })
    const { url, close } = await serve(app)
    onTestFinished(close)
    const send = async (path: string, body: unknown, presented = key) => {
      const answer = await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${presented}:`)}` },
        body: JSON.stringify(body),
      })
      return { status: answer.status, body: (await answer.json()) as Record<string, never> }
    }
    return { log, send, url, key }
  }
  const event = (name: string) => ({ event: name })

  it('GraphQL: a resolver gets what was verified', async () => {
    const { send, log } = await start('graphql-server.mjs')
    const query = 'mutation ($events: [JSON!]!) { track(events: $events) }'
    const variables = { events: [event('Signed Up'), event('Paid')] }
    expect(await send('/graphql', { query, variables })).toMatchObject({ body: { data: { track: 2 } } })
    const literal = 'mutation { track(events: [{ event: "Signed Up" }]) }'
    expect(await send('/graphql', { query: literal })).toMatchObject({ body: { data: { track: 1 } } })
    expect(log).toEqual([
      ['Shop', variables.events],
      ['Shop', [event('Signed Up')]],
    ])
  })

  it('GraphQL: wrong keys and events against the rules are errors of the field, and reach no sink', async () => {
    const { send, log } = await start('graphql-server.mjs', { allowedEventNames: ['Signed Up'] })
    const query = 'mutation { track(events: [{ event: "Paid" }]) }'
    const codeOf = async (...args: Parameters<typeof send>) => {
      const { errors } = (await send(...args)).body as unknown as { errors: { extensions: object }[] }
      return errors.map(({ extensions }) => extensions)
    }
    expect(await codeOf('/graphql', { query })).toMatchObject([
      { status: 403, code: 'event_name_not_allowed' },
    ])
    expect(await codeOf('/graphql', { query }, 'nonsense')).toMatchObject([
      { status: 401, code: 'invalid_write_key' },
    ])
    expect(await codeOf('/graphql', { query: 'mutation { track(events: ["Signed Up"]) }' })).toMatchObject([
      { code: 'invalid_event' },
    ])
    expect(log).toEqual([])
  })

  it('GraphQL: a hundred aliases cost a hundred events', async () => {
    const { send, log } = await start('graphql-server.mjs', { rateLimitEps: 10 })
    const fields = Array.from({ length: 100 }, (_, at) => `a${at}: track(events: [{ event: "Signed Up" }])`)
    const startedAt = performance.now()
    const { body } = await send('/graphql', { query: `mutation { ${fields.join(' ')} }` })
    const { errors } = body as unknown as { errors: { extensions: object }[] }
    const seconds = (performance.now() - startedAt) / 1_000
    expect(log.length).toBeLessThan(15 + 10 * seconds)
    expect(errors[0]).toMatchObject({ extensions: { code: 'rate_limited', retry_after: expect.any(Number) } })
  })

  it('tRPC: a procedure gets what the guard has verified, one event or many', async () => {
    const { send, log } = await start('trpc-server.mjs', { allowedEventTypes: ['track'] })
    expect(await send('/trpc/track', event('Signed Up'))).toMatchObject({
      status: 200,
      body: { result: { data: { accepted: 1 } } },
    })
    const batch = ['Signed Up', 'Paid'].map((name) => ({ type: 'track', ...event(name) }))
    expect(await send('/trpc/batch', { batch })).toMatchObject({
      body: { result: { data: { accepted: 2 } } },
    })
    expect(log).toEqual([
      ['Shop', [event('Signed Up')]],
      ['Shop', batch],
    ])
  })

  it('tRPC: the path decides about the type, and no batch or spelling of it gets past', async () => {
    const { send, log } = await start('trpc-server.mjs', { allowedEventTypes: ['track'] })
    expect(await send('/trpc/identify', { userId: '42' })).toMatchObject({ status: 403 })
    expect(await send('/trpc/track', event('Signed Up'), 'nonsense')).toMatchObject({ status: 401 })
    for (const path of [
      '/trpc/identify?batch=1',
      '/trpc/track,identify?batch=1',
      '/trpc/batch,identify?batch=1',
    ])
      expect((await send(path, { 0: event('A'), 1: event('B') })).status).toBeGreaterThanOrEqual(400)
    // Types that the rules allow, in a batch of tRPC: refused by tRPC itself.
    expect((await send('/trpc/track,track?batch=1', { type: 'track', 0: event('A') })).status).toBe(400)
    expect((await send('/trpc/%69dentify', { userId: '42' })).status).toBe(403)
    expect(log).toEqual([])
  })
})

/** Runs a module of a reader: its packages those of recipes, ours from the sources. */
async function load(packages: string, code: string): Promise<Record<string, unknown>> {
  const require = createRequire(join(packages, 'package.json'))
  const linked = code.replace(
    /from '([^']+)'/g,
    (_, name: string) => `from '${sourceOf(name) ?? require.resolve(name)}'`,
  )
  const folder = mkdtempSync(join(tmpdir(), 'writekey-recipe-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'module.mjs')
  writeFileSync(file, linked)
  return await import(pathToFileURL(file).href)
}
