import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import qs from 'qs'
import { describe, expect, it } from 'vitest'
import { isSplitText } from '../../src/http/form-signs.ts'
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

  const labels = [json, { 'content-type': 'text/plain;charset=UTF-8' }, {}]

  it('takes texts in JSON, however they were written and labelled', () => {
    const texts = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string({ unit: 'binary' }),
        fc.webUrl(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).value
    const writers: ((value: unknown) => Buffer)[] = [
      (value) => Buffer.from(JSON.stringify(value)),
      (value) => Buffer.from(`\ufeff${JSON.stringify(value, null, 2)}\n`),
      (value) =>
        Buffer.from(
          JSON.stringify(value).replace(
            /[^ -~]/g,
            (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
          ),
        ),
      (value) => Buffer.from(JSON.stringify(value).replace(/^\{/, '{"repeated":1,'), 'utf16le'),
      // A byte that is no UTF-8 becomes a replacement character.
      (value) => Buffer.from(JSON.stringify(value).replace(/[^ -~]/g, 'ÿ'), 'latin1'),
    ]
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), texts, { noNullPrototype: true }),
        fc.constantFrom(...writers),
        fc.constantFrom(...labels),
        (sent, write, label) => {
          const bytes = write(sent)
          const body = write === writers[4] ? JSON.parse(bytes.toString()) : sent
          fc.pre(!isSplitText(body))
          const headers = { ...label, 'content-length': `${bytes.length}` }
          expect(parsedBodyOf({ headers, readableDidRead: true, _body: true }, { body })).toBe(body)
        },
      ),
    )
  })

  const forms = (sent: string | Uint8Array) => [
    qs.parse(sent.toString(), { allowPrototypes: true, depth: 32 }),
    qs.parse(sent.toString(), { allowPrototypes: true, depth: 0 }),
  ]
  const hasEvent = gzipSync(JSON.stringify({ event: 'Signed Up', userId: '42' }))

  it.each([
    ['a list behind a line break', '\n[{"event":"x"}]'],
    ['a list with an address', ` [{"url":"https://a.example/?q=${'%20'.repeat(50)}"}]`],
    ['an empty list', '[]'],
    ['a list of numbers', '[1,2]'],
    ['a list of texts', '["a","b"]'],
    ['a text', '"x"'],
    ['a number', '1'],
    ['a word', 'event'],
    ['nothing but a separator', '&'],
    ['compressed bytes without their coding', hasEvent],
  ])('refuses what a form parser made of %s, whatever its label', (_, sent) => {
    for (const label of labels)
      for (const body of forms(sent)) {
        const headers = { ...label, 'content-length': `${Buffer.byteLength(sent)}` }
        expect(() => parsedBodyOf({ headers, readableDidRead: true, _body: true }, { body })).toThrow(
          BodyTakenError,
        )
      }
  })

  it.each([
    'event=Evil',
    'type=track&event=Evil',
    'batch[0][event]=Evil',
    'a[]=1&a[]=2',
    'event=Evil+One&a=',
  ])('refuses a form without a type or as text: %s', (sent) => {
    for (const label of labels.slice(1))
      for (const body of forms(sent)) {
        const headers = { ...label, 'content-length': `${sent.length}` }
        expect(() => parsedBodyOf({ headers, readableDidRead: true }, { body })).toThrow(BodyTakenError)
      }
  })

  it('takes what others have added to a body, and what they made of other formats', () => {
    const headers = { ...json, 'content-length': '16' }
    const body = { type: 'track', ip: '192.0.2.1', text: '&lt;b&gt;' }
    expect(parsedBodyOf({ headers, readableDidRead: true }, { body })).toBe(body)
    for (const label of labels.slice(1)) {
      const sent = { type: 'track', event: 'Signed Üp', userId: '42', messageId: 'm1' }
      const length = `${Buffer.byteLength(JSON.stringify(sent))}`
      for (const added of [{ ip: '::1' }, { ip: '192.0.2.1' }, { ip: '192.0.2.1', a: '', b: { c: 'd' } }]) {
        const grown = { ...sent, ...added }
        const request = { headers: { ...label, 'content-length': length }, readableDidRead: true }
        expect(parsedBodyOf(request, { body: grown })).toBe(grown)
      }
    }
    const text = { 'content-type': 'text/plain', 'content-length': '5' }
    const made = { event: 'Logged', message: 'Hello' }
    expect(parsedBodyOf({ headers: text, readableDidRead: true }, { body: made })).toBe(made)
    const packed = { 'content-type': 'application/msgpack', 'content-length': '12' }
    expect(parsedBodyOf({ headers: packed, readableDidRead: true }, { body: { type: 'track' } })).toEqual(
      event,
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
