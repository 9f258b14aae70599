import { expect, it } from 'vitest'
import { callerHeader, callerMark } from '../../src/admin/caller-mark.ts'
import { base, startAdmin } from './admin-calls.ts'

/** What the application's session says, in turn. */
function startWithSession(name: string, workspace: string | undefined) {
  const who = { name, role: 'admin' as 'admin' | 'viewer', workspace }
  const admin = startAdmin({
    admin: {
      tokens: [],
      authorize: () => ({
        name: who.name,
        role: who.role,
        ...(who.workspace !== undefined && { workspace: who.workspace }),
      }),
    },
  })
  const call = (method: string, path: string, caller: string, body?: unknown) =>
    admin.call(method, path, {
      token: null,
      headers: { [callerHeader]: caller },
      ...(body !== undefined && { body }),
    })
  const session = async () => (await admin.call('GET', '/api/v1/events/session', { token: null })).body
  return { ...admin, who, call, session }
}

it.each([
  ['ada', 'acme'],
  ['Ада 😀', undefined],
  [`${'x'.repeat(99)}😀`, 'acme'],
])('lets in the caller that a call names: %s of %s', async (name, workspace) => {
  const { call, session } = startWithSession(name, workspace)
  const mark = callerMark(await session())
  expect((await call('GET', base, mark)).status).toBe(200)
  expect((await call('POST', base, mark, { name: 'Web', source_type: 'web' })).status).toBe(201)
})

it.each([
  ['name', { name: 'bob' }, 'bob now (admin, workspace acme)'],
  ['role', { role: 'viewer' as const }, 'ada now (viewer, workspace acme)'],
  ['workspace', { workspace: 'globex' }, 'ada now (admin, workspace globex)'],
  ['workspace, to all', { workspace: undefined }, 'ada now (admin, all workspaces)'],
])('reads and changes nothing for somebody of another %s', async (_, change, said) => {
  const { call, session, who, keys } = startWithSession('ada', 'acme')
  const mark = callerMark(await session())
  Object.assign(who, change)
  for (const [method, path] of [
    ['GET', base],
    ['POST', base],
    ['GET', '/api/v1/events/debugger'],
  ] as const) {
    const { status, body } = await call(
      method,
      path,
      mark,
      method === 'POST' ? { name: 'Web', source_type: 'web' } : undefined,
    )
    expect([status, body.code]).toEqual([412, 'other_caller'])
    expect(body.detail).toContain(said)
  }
  expect((await keys.list()).data).toEqual([])
})

it('refuses a mark that is none, and asks for none', async () => {
  const { call, call: _, ...admin } = startWithSession('ada', 'acme')
  expect((await call('GET', base, '%')).status).toBe(412)
  expect((await admin.session()).name).toBe('ada')
})
