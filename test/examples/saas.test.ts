import { readFileSync } from 'node:fs'
import type { Express } from 'express'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { WriteKeys } from '../../src/index.ts'
import { runModule } from '../docs/running-blocks.ts'
import { serve } from '../neighbours/served.ts'

const code = readFileSync(new URL('../../examples/saas/server.mjs', import.meta.url), 'utf8')
const api = '/api/v1/events/write-keys'
let keys: WriteKeys
let server: Awaited<ReturnType<typeof serve>>

beforeAll(async () => {
  const example = (await runModule(code)) as { app: Express; keys: WriteKeys }
  keys = example.keys
  server = await serve(example.app)
})
afterAll(async () => {
  server.close()
  await keys.close()
})

async function signIn(email: string, password: string): Promise<string | undefined> {
  const answer = await fetch(`${server.url}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ email, password }),
  })
  return answer.headers.get('set-cookie')?.split(';')[0]
}

/** As the page asks: a browser says where from, and sends the cookie along. */
function ask(cookie: string | undefined, path: string, method = 'GET', body?: object) {
  return fetch(server.url + path, {
    method,
    headers: {
      'sec-fetch-site': 'same-origin',
      ...(cookie !== undefined && { cookie }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

it('has 75 lines at most', () => {
  expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(75)
})

it('two customers sign in, make keys and see their own alone, and nobody else sees any', async () => {
  const ada = await signIn('ada@acme.example', 'acme-password')
  const bob = await signIn('bob@globex.example', 'globex-password')
  expect(await signIn('ada@acme.example', 'wrong')).toBeUndefined()
  for (const [cookie, name] of [
    [ada, 'Acme Web'],
    [bob, 'Globex Web'],
  ] as const) {
    const made = await ask(cookie, api, 'POST', { name, source_type: 'web' })
    expect(made.status).toBe(201)
    const { key, workspace } = (await made.json()) as { key: string; workspace: string }
    expect(name.toLowerCase()).toContain(workspace)
    const sent = await fetch(`${server.url}/v1/track`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      body: '{"event":"Signed Up"}',
    })
    expect(sent.status).toBe(200)
  }
  const seenBy = async (cookie: string | undefined) => {
    const { data } = (await (await ask(cookie, api)).json()) as { data: { name: string; id: string }[] }
    return data
  }
  const [ofAda, ofBob] = [await seenBy(ada), await seenBy(bob)]
  expect(ofAda.map(({ name }) => name)).toEqual(['Acme Web'])
  expect(ofBob.map(({ name }) => name)).toEqual(['Globex Web'])
  expect((await ask(ada, `${api}/${ofBob[0]?.id}`)).status).toBe(404)
  expect((await ask(ada, `${api}/${ofBob[0]?.id}/revoke`, 'POST')).status).toBe(404)
  expect((await ask(undefined, api)).status).toBe(401)
})

it('the page asks the application who looks', async () => {
  const ada = await signIn('ada@acme.example', 'acme-password')
  expect(await (await ask(ada, '/api/v1/events/session')).json()).toEqual({
    name: 'ada@acme.example',
    role: 'admin',
    workspace: 'acme',
  })
})

it('says who is signed in, and signs out for good', async () => {
  const ada = await signIn('ada@acme.example', 'acme-password')
  const home = async () => (await ask(ada, '/')).text()
  expect(await home()).toContain('ada@acme.example of acme')
  const answer = await fetch(`${server.url}/sign-out`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: ada as string },
  })
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/'])
  expect(answer.headers.get('set-cookie')).toMatch(/^session=; .*Expires=Thu, 01 Jan 1970/)
  expect(await home()).toContain('action="/sign-in"')
  expect((await ask(ada, api)).status).toBe(401)
})
