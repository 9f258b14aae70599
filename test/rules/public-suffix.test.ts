import { describe, expect, it } from 'vitest'
import { loadPublicSuffixes } from '../../src/rules/public-suffix.ts'

const isPublicSuffix = await loadPublicSuffixes()

describe('loadPublicSuffixes', () => {
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
    'kawasaki.jp',
    'city.ck',
    'blogspot.com',
    'compute.amazonaws.com',
    'xn--p1ai',
    'xn--fiqs8s',
    'k12.ca.us',
    'cloud.metacentrum.cz',
    'otap.co',
    'ck',
    'acme.core.windows.net',
    'service.region.run.app',
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
    'city.kawasaki.jp',
    'www.ck',
  ])('takes %s for somebody’s own', (host) => {
    expect(isPublicSuffix(host)).toBe(false)
  })
})
