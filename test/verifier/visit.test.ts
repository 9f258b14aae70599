import { describe, expect, it } from 'vitest'
import type { IngestRequest } from '../../src/http/ingest-request.ts'
import { credentialsOption } from '../../src/verifier/credentials-option.ts'
import {
  createEmptyVisit,
  createVisit,
  isForeignPage,
  markForeignPage,
  markPaid,
} from '../../src/verifier/visit.ts'

const usual = { credentials: credentialsOption(undefined, 'credentials'), batchFields: ['batch'] }
const request = (headers: IngestRequest['headers'] = {}): IngestRequest => ({
  method: 'POST',
  path: '/v1/track',
  headers,
})

describe('a request on its way', () => {
  it('has nothing charged, awaited or counted yet, and may be read by every page', () => {
    expect(createVisit(request(), usual)).toMatchObject({
      allowOrigin: '*',
      waited: false,
      lostRoom: false,
      isOverQuota: false,
      isSenderTighter: false,
      isCounted: false,
      isPaid: false,
      paidBytes: undefined,
      reading: usual,
    })
  })

  it('is of a page, whose origin it has, or of none', () => {
    const origin = 'https://app.example.com'
    expect(createVisit(request({ origin }), usual)).toMatchObject({ fromPage: true, origin })
    expect(createVisit(request(), usual)).toMatchObject({ fromPage: false, origin: undefined })
  })

  it.each([[17], [undefined]])('is paid when another guard has charged it, of %s bytes', (bytes) => {
    const visit = createVisit(markPaid(request(), bytes), usual)
    expect([visit.isPaid, visit.paidBytes]).toEqual([true, bytes])
  })

  it('is of a foreign page when it is marked so', () => {
    expect(isForeignPage(markForeignPage(request()))).toBe(true)
    expect(isForeignPage(request())).toBe(false)
  })
})

describe('something that is no request', () => {
  const broken = {
    get body() {
      throw new Error('broken')
    },
  }

  it.each([
    ['nothing', undefined, undefined],
    ['null', null, undefined],
    ['a body alone', { body: 'a' }, 'a'],
    ['what throws', broken, undefined],
  ])('is a POST with its body, if any: %s', (_, thing, body) => {
    expect(createEmptyVisit(thing, usual).request).toEqual({ method: 'POST', path: '/', headers: {}, body })
  })
})
