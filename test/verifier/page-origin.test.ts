import { describe, expect, it } from 'vitest'
import { isFromPage, pageOrigin } from '../../src/verifier/page-origin.ts'

describe('a request', () => {
  it.each([
    ['an Origin', { origin: 'https://app.example.com' }, true],
    ['the Origin of a page that hides its own', { origin: 'null' }, true],
    ['an Origin, though no page is said to be involved', { origin: 'x', 'sec-fetch-site': 'none' }, true],
    ['a Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site' }, true],
    ['two of them', { 'sec-fetch-site': ['none', 'none'] }, true],
    ['a Sec-Fetch-Site of no page', { 'sec-fetch-site': 'none' }, false],
    ['the Sec-Fetch-Mode of a server', { 'sec-fetch-mode': 'cors' }, false],
    ['a Referer alone', { referer: 'https://app.example.com/' }, false],
    ['none of them', {}, false],
  ])('with %s is told apart from those that no page makes', (_, headers, expected) => {
    expect(isFromPage(headers)).toBe(expected)
  })
})

describe('the origin of a page', () => {
  it.each([
    ['the Origin', { origin: 'https://a.example', referer: 'https://b.example/' }, 'https://a.example'],
    ['an Origin that is no URL', { origin: 'null', referer: 'https://b.example/' }, 'null'],
    ['two Origins, as no rule matches them', { origin: ['https://a', 'https://b'] }, 'https://a, https://b'],
    ['that of the Referer', { referer: 'https://b.example:8443/page?a=1' }, 'https://b.example:8443'],
    ['that of an app', { referer: 'capacitor://localhost/index.html' }, 'capacitor://localhost'],
    ['that of the page that made a blob', { referer: 'blob:https://b.example/1' }, 'https://b.example'],
    ['unknown for a file', { referer: 'file:///index.html' }, undefined],
    ['unknown for a Referer that is no URL', { referer: 'b.example' }, undefined],
    ['unknown for two Referers', { referer: ['https://b.example/', 'https://c.example/'] }, undefined],
    ['unknown without either', {}, undefined],
  ])('is %s', (_, headers, expected) => {
    expect(pageOrigin(headers)).toBe(expected)
  })
})
