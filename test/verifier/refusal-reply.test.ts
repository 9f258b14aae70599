import { describe, expect, it } from 'vitest'
import { problems, reasons } from '../../src/verifier/reasons.ts'
import { type RefusalDetails, refusalReply } from '../../src/verifier/refusal-reply.ts'

const plain: RefusalDetails = { allowOrigin: null, fromBrowser: false, closeConnection: false }
const replyTo = (reason: Parameters<typeof refusalReply>[0], details: Partial<RefusalDetails> = {}) =>
  refusalReply(reason, 'auto', { ...plain, ...details })
const bodyOf = ({ body }: { body: string | undefined }) => JSON.parse(body as string)

const always = {
  'content-type': 'application/problem+json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  vary: 'Origin',
  'access-control-expose-headers': expect.stringContaining('Retry-After'),
}

describe('the answer to a refused request', () => {
  it.each(reasons)('has the problem of its reason: %s', (reason) => {
    for (let time = 0; time < 2; time++) {
      const reply = replyTo(reason)
      expect(reply.status).toBe(problems[reason].status)
      expect(bodyOf(reply)).toMatchObject({ ...problems[reason] })
    }
  })

  it('has no header and no member that its reason does not need', () => {
    const reply = replyTo('invalid_json')
    expect(reply.headers).toEqual(always)
    expect(bodyOf(reply)).toEqual(problems.invalid_json)
  })

  it('asks for a key when none was good, in the words of whoever sends', () => {
    expect(replyTo('missing_key').headers).toEqual({
      ...always,
      'www-authenticate': expect.stringMatching(/^Basic /),
    })
    expect(replyTo('unknown_key', { fromBrowser: true }).headers['www-authenticate']).toMatch(/^WriteKey /)
  })

  it('names the codings that it knows when it does not know the one of the body', () => {
    expect(replyTo('unsupported_encoding').headers).toEqual({
      ...always,
      'accept-encoding': expect.stringMatching(/^gzip, deflate, br(, zstd)?$/),
    })
  })

  it('lets the page read it, closes the connection and tells the rate, as it is told', () => {
    const details = { allowOrigin: 'https://a.de', closeConnection: true, rateHeaders: { ratelimit: 'r=0' } }
    expect(replyTo('origin_not_allowed', details).headers).toEqual({
      ...always,
      'access-control-allow-origin': 'https://a.de',
      connection: 'close',
      ratelimit: 'r=0',
    })
  })

  it.each([
    ['store_unavailable', undefined, 1],
    ['internal_error', undefined, 1],
    ['too_many_failures', undefined, 1],
    ['key_paused', undefined, 60],
    ['busy', undefined, 5],
    ['handler_failed', undefined, 5],
    ['rate_limited', 7, 7],
  ] as const)('%s says when to try again, in header and body', (reason, retryAfterSeconds, expected) => {
    const reply = replyTo(reason, { retryAfterSeconds })
    expect(reply.headers).toEqual({ ...always, 'retry-after': String(expected) })
    expect(bodyOf(reply)).toEqual({ ...problems[reason], retry_after: expected })
  })

  it('names the events that were bad, and whether schemas of the application said so', () => {
    const typed = [{ index: 3, type: 'track' }]
    expect(bodyOf(replyTo('event_type_not_allowed', { rejected: typed }))).toEqual({
      ...problems.event_type_not_allowed,
      rejected: typed,
    })
    const unfit = [...typed, { index: 4, type: null, field: 'name' }]
    const body = bodyOf(replyTo('invalid_event', { rejected: unfit }))
    expect(body).toMatchObject({
      rejected: unfit,
      detail: expect.stringContaining('does not fit the schema'),
    })
    expect(body).not.toHaveProperty('retry_after')
  })
})
