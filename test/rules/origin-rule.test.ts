import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizeOriginRule } from '../../src/rules/origin-spelling.ts'
import { loadPublicSuffixes } from '../../src/rules/public-suffix.ts'
import { allows, originText } from './origin-texts.ts'

const isPublicSuffix = await loadPublicSuffixes()

const normalize = (text: string) => normalizeOriginRule(text, isPublicSuffix)

describe('normalizeOriginRule', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['HTTPS://APP.Example.COM', 'https://app.example.com'],
    ['https://app.example.com:443', 'https://app.example.com'],
    ['http://app.example.com:80', 'http://app.example.com'],
    ['https://app.example.com:80', 'https://app.example.com:80'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
    ['http://[2001:DB8:0:0::1]', 'http://[2001:db8::1]'],
    ['https://b\u00fccher.example', 'https://xn--bcher-kva.example'],
    ['https://B\u00dcCHER.example', 'https://xn--bcher-kva.example'],
    ['https://my_app.example.com', 'https://my_app.example.com'],
    ['https://A~B.example', 'https://a~b.example'],
    ['https://!a&b=c+d.example:8443', 'https://!a&b=c+d.example:8443'],
    ['https://-a-._.example', 'https://-a-._.example'],
    [`https://${'a'.repeat(64)}.com`, `https://${'a'.repeat(64)}.com`],
    ['https://a~\u00fc.example', 'https://xn--a~-yka.example'],
    ['https://*.my~app.example.com', 'https://*.my~app.example.com'],
    [`https://*.${'a'.repeat(64)}.com`, `https://*.${'a'.repeat(64)}.com`],
    ['https://*.example.com', 'https://*.example.com'],
    ['http://*.example.com', 'http://*.example.com'],
    ['https://*.Example.com:8443', 'https://*.example.com:8443'],
    ['https://*.example.com:443', 'https://*.example.com'],
    ['https://*.b\u00fccher.example', 'https://*.xn--bcher-kva.example'],
    ['https://*.example.co.uk', 'https://*.example.co.uk'],
    ['https://*.acme.github.io', 'https://*.acme.github.io'],
    ['https://*.web.de', 'https://*.web.de'],
    ['https://*.S3_x.example.org', 'https://*.s3_x.example.org'],
    ['https://*.-a-.example.org:8443', 'https://*.-a-.example.org:8443'],
    ['https://*.my_app.github.io', 'https://*.my_app.github.io'],
    ['https://*.id.me', 'https://*.id.me'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['ionic://localhost', 'ionic://localhost'],
    ['tauri://localhost', 'tauri://localhost'],
    ['app://obsidian.md', 'app://obsidian.md'],
    ['app://.', 'app://.'],
    ['capacitor://localhost:8', 'capacitor://localhost:8'],
    ['capacitor://localhost:65535', 'capacitor://localhost:65535'],
    ['http://localhost:*', 'http://localhost:*'],
    ['HTTP://LocalHost:*', 'http://localhost:*'],
    [
      'CHROME-EXTENSION://aapbdbdomjkkjkaonfhkkikfgjllcleb',
      'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
    ],
    [
      'safari-web-extension://0A1B2C3D-0000-4444-8888-0A1B2C3D4E5F',
      'safari-web-extension://0A1B2C3D-0000-4444-8888-0A1B2C3D4E5F',
    ],
  ])('saves %s as %s', (text, rule) => {
    expect(normalize(text)).toEqual({ rule })
  })

  it.each([
    ['', 'must not be empty'],
    ['*', 'must name an origin; for any origin set the list to null'],
    ['null', 'must name an origin: every sandboxed page and local file sends null'],
    ['app.example.com', 'must be an origin with its scheme, such as https://app.example.com'],
    ['//app.example.com', 'must be an origin with its scheme, such as https://app.example.com'],
    ['https:app.example.com', 'must be an origin with its scheme, such as https://app.example.com'],
    [' https://app.example.com', 'must be an origin with its scheme, such as https://app.example.com'],
    ['https://app.example.com.', 'must have a host name without a dot at the end'],
    ['https://*.example.com.', 'must have a host name without a dot at the end'],
    ['https://a..example.com', 'must have a host name without empty labels, as in app.example.com'],
    ['"https://app.example.com"', 'must be written without quotes'],
    ["https://app.example.com'", 'must be written without quotes'],
    ['https://App.example.com/', 'must not have a slash at the end: write https://app.example.com'],
    ['https://*.example.com/', 'must not have a slash at the end: write https://*.example.com'],
    ['capacitor://localhost/', 'must not have a slash at the end: write capacitor://localhost'],
    ['https://app.example.com/login', 'must not have a path: write https://app.example.com'],
    ['https://app.example.com/*', 'must not have a path: write https://app.example.com'],
    ['https://app.example.com?x', 'must not have a query: write https://app.example.com'],
    ['https://app.example.com#x', 'must not have a fragment: write https://app.example.com'],
    ['https:///app.example.com', 'must not have a path'],
    ['https://u:p@app.example.com', 'must not have a user name or password'],
    ['https://app.example.com@evil.com', 'must not have a user name or password'],
    ['file://localhost', 'must not use file: such pages send the origin null'],
    ['DATA://x', 'must not use data: such pages send the origin null'],
    ['blob://https', 'must not use blob: such pages send the origin null'],
    ['javascript://x', 'must not use javascript: such pages send the origin null'],
    ['wss://app.example.com', 'must be the origin of a page, which begins with https:// or http://'],
    ['https://app.*.com', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://a*.example.com', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://*app.example.com', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://*.*.example.com', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://app.example.com:*', 'must name its port: * as a port works in http://localhost:* only'],
    ['https://*.example.com:*', 'must name its port: * as a port works in http://localhost:* only'],
    ['http://127.0.0.1:*', 'must name its port: * as a port works in http://localhost:* only'],
    ['https://*', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://*:443', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://localhost:*', 'must name its port: * as a port works in http://localhost:* only'],
    ['http://localhost:80*', 'must have * only as the whole first label, as in https://*.example.com'],
    ['app://..', 'must have nothing but a host name after ://, as in capacitor://localhost'],
    ['https://*.10.0.0.1', 'must not have * in front of an IP address'],
    ['https://*.[::1]', 'must not have * in front of an IP address'],
    ['capacitor://*.localhost', 'must be written out: * works with http and https only'],
    ['http://127.1', 'must have the IP address in full: write http://127.0.0.1'],
    ['http://2130706433', 'must have the IP address in full: write http://127.0.0.1'],
    ['http://0x7f.1:8080', 'must have the IP address in full: write http://127.0.0.1:8080'],
  ])('refuses %j: %s', (text, problem) => {
    expect(normalize(text)).toEqual({ problem })
  })

  it.each([
    'https://*.com',
    'https://*.localhost',
    'https://*.co.uk',
    'https://*.com.au',
    'https://*.or.jp',
    'https://*.github.io',
    'https://*.GitHub.io:8443',
    'https://*.vercel.app',
    'https://*.netlify.app',
    'https://*.pages.dev',
    'https://*.workers.dev',
    'https://*.herokuapp.com',
    'https://*.azurewebsites.net',
    'https://*.cloudfront.net',
    'https://*.s3.eu-west-1.amazonaws.com',
    'https://*.us-east-1.elasticbeanstalk.com',
    'https://*.a.run.app',
    'https://*.my_region.run.app',
    'https://*._x.ck',
  ])('refuses the wildcard %s, under which anybody can get a name', (text) => {
    expect(normalize(text)).toEqual({
      problem: expect.stringMatching(/^must not span .*anybody can get a name/),
    })
  })

  it.each([
    'https://a.example.com,https://b.example.com',
    'https://a.example.com; https://b.example.com',
    'https://a.example.com https://b.example.com',
    'https://a.example.com,b.example.com',
    'https://a.example.com;',
    'https://a\uff0cb.example.com',
    'capacitor://localhost,https://a.example.com',
  ])('refuses the list %j', (text) => {
    expect(normalize(text)).toEqual({
      problem: 'must be a single origin: give each origin an entry of its own, without , or ; between them',
    })
  })

  it.each([
    'https://{tenant}.example.com',
    'https://$HOST',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a shell has not replaced
    'https://${HOST}.example.com',
    'https://\uff08a\uff09.example.com',
  ])('refuses the placeholder %j', (text) => {
    expect(normalize(text)).toEqual({ problem: expect.stringContaining('placeholder') })
  })

  it.each([
    '^https://.*\\.example\\.com$',
    '/https:\\/\\/.*/',
    '/example/',
    '/example/gi',
    'https://.*example.com',
    'https://(a|b).example.com',
    'https://[a-z]+.example.com',
    'https://.+example.com',
    'https://app.+.example.com',
  ])('refuses the regular expression %j', (text) => {
    expect(normalize(text)).toEqual({ problem: expect.stringContaining('regular expression') })
  })

  it.each([
    'https://',
    'https://.example.com',
    'https://*..example.com',
    'https://*.example.com.',
    'https://*.%61.example.com',
    'https://*._.com.',
    'https://app.example.com:99999',
    'https://app.example.com:x',
    'https://app%2eexample.com',
    'https://app example.com',
    'https://app.example.com ',
    'https://app.example.com\n',
    'https://app`.example.com',
    'https://xn--a.example.com',
    'https://xn--abc-.example.com',
    'https://\t.example.com',
    'https://a\u3000.example.com',
    `https://${'a.'.repeat(130)}com`,
    `https://${'a'.repeat(400)}.com`,
    'capacitor://',
    'capacitor://local host',
    'capacitor://localhost:0',
    'capacitor://localhost:123456',
    'capacitor://localhost:8x',
  ])('refuses %j', (text) => {
    expect(normalize(text)).toEqual({ problem: expect.stringMatching(/^must /) })
  })

  it('takes origins of up to 300 characters, and hosts of the web of up to 253', () => {
    const app = (length: number) => `app://${'a'.repeat(length - 'app://'.length)}`
    expect(normalize(app(300))).toEqual({ rule: app(300) })
    expect(normalize(app(301))).toEqual({ problem: 'must have at most 300 characters' })
    const host = `${'a.'.repeat(125)}com`
    expect(host).toHaveLength(253)
    expect(normalize(`https://${host}:8443`)).toEqual({ rule: `https://${host}:8443` })
    expect(normalize(`https://a${host}`)).toEqual({
      problem: expect.stringMatching(/^must have a host name of/),
    })
  })

  it('takes the hosts that wildcards cover, but for what looks like a list, quotes or a pattern', () => {
    const characters = fc.constantFrom(...'azAZ09-_~!&=+\u00fc%$(),;{}\'"`<>^| \t.')
    const labels = fc.array(characters, { minLength: 1, maxLength: 70 }).map((all) => all.join(''))
    fc.assert(
      fc.property(labels, (labels) => {
        const text = `https://${labels}.example.com`
        const origin = URL.canParse(text) ? new URL(text).origin : ''
        const isExpected =
          allows(['https://*.example.com'], origin) && !/[%\s]|[$(),;{}'"`]|\.\+/.test(labels)
        const result = normalize(text)
        expect([text, result]).toEqual([text, isExpected ? { rule: origin } : { problem: expect.anything() }])
      }),
      { numRuns: 5_000 },
    )
  })

  it('leaves what it has saved unchanged, and throws over no input', () => {
    const text = fc.oneof(fc.string(), fc.webUrl(), originText())
    fc.assert(
      fc.property(text, (text) => {
        const result = normalize(text)
        if ('rule' in result) expect(normalize(result.rule)).toEqual(result)
        else expect(result.problem).toMatch(/^must /)
      }),
      { numRuns: 2000 },
    )
  })
})
