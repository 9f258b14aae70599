import { describe, expect, it } from 'vitest'
import type { IngestRequest } from '../../src/http/ingest-request.ts'
import { credentialsOption } from '../../src/verifier/credentials-option.ts'
import { batchFieldsOption, readingOf } from '../../src/verifier/reading.ts'

const usual = { credentials: credentialsOption(undefined, 'credentials'), batchFields: ['batch'] }
const read = (more: object) =>
  readingOf({ method: 'POST', path: '/', headers: {}, ...more } as IngestRequest, usual)

describe('the option batchFields', () => {
  it('is ["batch"] by default, and otherwise a list of names, each once', () => {
    expect(batchFieldsOption(undefined, 'batchFields')).toEqual(['batch'])
    expect(batchFieldsOption(['a', 'b', 'a'], 'batchFields')).toEqual(['a', 'b'])
  })

  it.each([
    [[], /at least one name, such as \['batch'\]/],
    [['__proto__'], /the name of a property/],
    [[''], /the name of a property/],
    ['batch', /a list of names such as/],
  ])('is not %j', (value, message) => {
    expect(() => batchFieldsOption(value, 'batchFields')).toThrow(message)
  })
})

describe('how requests of a route are read', () => {
  it('is as usual when the route says nothing', () => {
    expect(read({})).toBe(usual)
    expect(read({ credentials: undefined, batchFields: undefined })).toBe(usual)
  })

  it('is as the route says, and otherwise as usual', () => {
    expect(read({ batchFields: ['events'] })).toEqual({ ...usual, batchFields: ['events'] })
    const inHeader = read({ credentials: { header: 'x-write-key' }, batchFields: undefined })
    expect(inHeader.batchFields).toBe(usual.batchFields)
    expect(inHeader.credentials).not.toEqual(usual.credentials)
    expect(read({ credentials: undefined, batchFields: ['events'] }).credentials).toBe(usual.credentials)
  })

  it('is not what a polluted prototype says', () => {
    const polluted = Object.assign(Object.create({ batchFields: ['evil'], credentials: 7 }), { path: '/' })
    expect(readingOf(polluted, usual)).toEqual(usual)
  })

  it('names the route when that says it wrongly', () => {
    expect(() => read({ batchFields: [] })).toThrow(/^request\.batchFields must/)
    expect(() => read({ credentials: 7 })).toThrow(/^request\.credentials must/)
  })
})
