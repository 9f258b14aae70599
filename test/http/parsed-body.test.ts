import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import qs from 'qs'
import { describe, expect, it } from 'vitest'
import { BodyTakenError, parsedBodyOf } from '../../src/http/parsed-body.ts'

const json = { 'content-type': 'application/json', 'content-length': '16' }
const event = { type: 'track' }

describe('parsedBodyOf', () => {
  it.each([
    ['JSON', json],
    ['JSON of a vendor', { 'content-type': 'application/vnd.api+json; charset=utf-8' }],
    ['text', { 'content-type': 'text/plain;charset=UTF-8' }],
    ['no type', {}],
  ])('takes an object that was sent as %s', (_, headers) => {
    expect(parsedBodyOf({ headers, readableDidRead: true }, { body: event })).toBe(event)
  })

  it.each([
    ['application/x-www-form-urlencoded', /express\.urlencoded\(\).*mount writeKeyAuth before it/],
    ['Application/X-WWW-Form-URLencoded ; charset=utf-8', /express\.urlencoded\(\)/],
    ['multipart/form-data; boundary=x', /multer.*mount writeKeyAuth before it/],
    ['MULTIPART/mixed', /multer/],
    ['text/xml', /XML/],
    ['application/soap+xml; charset=utf-8', /XML/],
  ])('refuses an object that was sent as %s, naming the parser and the fix', (type, message) => {
    const request = { headers: { 'content-type': type }, readableDidRead: true }
    for (const body of [event, Object.assign(Object.create(null), event), {}]) {
      expect(() => parsedBodyOf(request, { body })).toThrow(message)
    }
  })

  it.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'takes text and bytes that were kept of what was sent as %s',
    (type) => {
      const request = { headers: { 'content-type': type }, readableDidRead: true }
      const text = '{"type":"track"}'
      for (const kept of [text, Buffer.from(text), new TextEncoder().encode(text)]) {
        expect(parsedBodyOf(request, { body: { [text]: '' }, rawBody: kept })).toBe(kept)
        expect(parsedBodyOf(request, { body: kept })).toBe(kept)
      }
    },
  )

  it('never takes JSON that a form parser has cut up, whatever it was labelled', () => {
    const jsonObject = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, noNullPrototype: true })
    fc.assert(
      fc.property(fc.oneof(jsonObject, fc.array(jsonObject, { minLength: 1 })), (sent) => {
        const body = qs.parse(JSON.stringify(sent))
        expect(() => parsedBodyOf({ headers: json, readableDidRead: true }, { body })).toThrow(BodyTakenError)
      }),
    )
  })

  it('takes whatever JSON holds', () => {
    const length = (value: unknown) => String(Buffer.byteLength(JSON.stringify(value)))
    const values = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()))
    fc.assert(
      fc.property(values, (body) => {
        fc.pre(!Object.keys(body).some((name) => /^\s*[[{]/.test(name)))
        const headers = { ...json, 'content-length': length(body) }
        expect(parsedBodyOf({ headers, readableDidRead: true }, { body })).toBe(body)
      }),
    )
  })

  it.each([undefined, null])('refuses %s where the stream has been read', (body) => {
    expect(() => parsedBodyOf({ headers: json, readableDidRead: true }, { body })).toThrow(/kept nothing/)
    expect(parsedBodyOf({ headers: json }, { body })).toBeUndefined()
  })

  const chunked = { 'transfer-encoding': 'chunked' }
  const gzip = { 'content-encoding': 'gzip' }

  it.each([
    ['was sent', { 'content-length': '2' }, {}],
    ['was sent with white space', { 'content-length': '5' }, {}],
    ['was sent as gzip', { ...gzip, 'content-length': '22' }, {}],
    ['was sent as deflate', { 'content-encoding': 'deflate', 'content-length': '10' }, {}],
    ['was sent in chunks', { ...chunked, 'content-type': 'application/json; charset=utf-8' }, {}],
    ['was sent in chunks of gzip', { ...chunked, ...gzip, 'content-type': 'application/vnd.api+json' }, {}],
    ['was sent by HTTP/2', { 'content-type': 'application/json' }, {}],
    ['stands for no body', { 'content-length': '0' }, undefined],
  ])('knows an empty object that %s', (_, headers, expected) => {
    expect(parsedBodyOf({ headers, readableDidRead: true }, { body: {} })).toEqual(expected)
  })

  it.each([
    [{ ...json, 'content-length': '6' }],
    [{ ...json, ...gzip, 'content-length': '26' }],
    [{ ...json, 'content-encoding': 'br', 'content-length': '10' }],
    [chunked],
    [{ ...chunked, 'content-type': 'text/plain' }],
    [{ ...chunked, 'content-type': 'application/jsonish' }],
  ])('refuses an empty object that may stand for more, unless body-parser has read it: %j', (headers) => {
    const request = { headers, readableDidRead: true }
    expect(() => parsedBodyOf(request, { body: {} })).toThrow(/kept nothing/)
    expect(parsedBodyOf({ ...request, _body: true }, { body: {} })).toEqual({})
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ])('takes no object with a member for an empty one in %s', (coding, encode) => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, noNullPrototype: true })
    fc.assert(
      fc.property(
        fc.oneof(fc.constant({ '': 0 }), objects),
        fc.integer({ min: 0, max: 9 }),
        (sent, level) => {
          const length = String(encode(JSON.stringify(sent), { level }).length)
          const headers = { ...json, 'content-encoding': coding, 'content-length': length }
          expect(() => parsedBodyOf({ headers, readableDidRead: true }, { body: {} })).toThrow(/kept nothing/)
        },
      ),
    )
  })

  it('takes what an object without a stream holds', () => {
    expect(parsedBodyOf({}, { body: {} })).toEqual({})
    expect(parsedBodyOf({}, {})).toBeUndefined()
  })
})
