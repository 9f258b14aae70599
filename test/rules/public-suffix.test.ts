import { describe, expect, it } from 'vitest'
import { isPublicSuffix } from '../../src/rules/public-suffix.ts'

describe('isPublicSuffix', () => {
  it.each([
    'com',
    'localhost',
    'co.uk',
    'org.uk',
    'com.br',
    'co.jp',
    'ne.jp',
    'ac.nz',
    'gob.mx',
    'uk.com',
    'github.io',
    'vercel.app',
    'amazonaws.com',
    's3.amazonaws.com',
  ])('knows that %s is shared', (host) => {
    expect(isPublicSuffix(host)).toBe(true)
  })

  it.each([
    'example.com',
    'example.co.uk',
    'acme.github.io',
    'web.de',
    'id.me',
    't.co',
    'co.example',
    'notgithub.io',
    'notamazonaws.com',
  ])('takes %s for somebody’s own', (host) => {
    expect(isPublicSuffix(host)).toBe(false)
  })
})
