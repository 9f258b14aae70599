import { describe, expect, it, onTestFinished } from 'vitest'
import { AcceptedRequest } from '../../src/verifier/accepted-request.ts'
import type { Accepted } from '../../src/verifier/verdict.ts'
import { post, setUp, web } from '../manual-keys.ts'

async function accept(body: unknown, about: object = {}) {
  const { keys } = setUp()
  onTestFinished(() => keys.close())
  const { key } = await keys.create({ ...web, allowedEventTypes: ['track', 'identify'] })
  const request = { ...post(key), body, ...about }
  const verdict = await keys.verify(request)
  if (!verdict.ok) throw new Error(verdict.reason)
  return { verdict, request }
}

/** What an application that has keys of its own says. */
const foreign: Accepted = {
  ok: true,
  writeKey: { id: 'wk_1' } as Accepted['writeKey'],
  events: [],
  rejected: [],
  body: {},
  eventType: null,
  ip: undefined,
  origin: undefined,
  headers: {},
}

describe('the verdict on an accepted request', () => {
  it('can be reached again for another type, and nothing else can', async () => {
    const { verdict, request } = await accept('{"event":"a"}')
    const judgeAs = (eventType: string, given: Accepted) =>
      AcceptedRequest.judgeAgain(given, { ...request, eventType }, verdict.body)
    expect(await judgeAs('identify', verdict)).toMatchObject({ ok: true, eventType: 'identify' })
    expect(await judgeAs('page', verdict)).toMatchObject({ ok: false, reason: 'event_type_not_allowed' })
    expect(judgeAs('page', foreign)).toBeUndefined()
    expect(judgeAs('page', { ...verdict })).toBeUndefined()
  })

  it('knows the address of its client, unless that cannot be told', async () => {
    expect((await accept({ event: 'a' })).verdict.ip).toBe('198.51.100.1')
    expect((await accept({ event: 'a' }, { ip: undefined })).verdict.ip).toBeUndefined()
  })

  it('knows the length of the body that was read', async () => {
    expect(AcceptedRequest.bytesOf((await accept('{"event":"a"}')).verdict)).toBe(13)
    expect(AcceptedRequest.bytesOf((await accept({ event: 'a' })).verdict)).toBeUndefined()
    expect(AcceptedRequest.bytesOf((await accept(undefined, { method: 'GET' })).verdict)).toBeUndefined()
    expect(AcceptedRequest.bytesOf(foreign)).toBeUndefined()
  })
})
