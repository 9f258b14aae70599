import { basicChallenge, customChallenge, passes, signedUp, unauthorized } from './answers.ts'
import { basic, type GoldenRequest } from './golden-request.ts'

const encode = (text: string) => Buffer.from(text, 'latin1').toString('base64')
const credentialOf = (secret: string) => encode(`${secret}:`)
const browser = 'Origin: https://app.example.com'

/** The character that follows in the base64 alphabet: other spare bits, the same bytes. */
function nextBase64(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return alphabet[alphabet.indexOf(character) + 1] as string
}

/** Bytes inside a decoded credential that no key holds. */
const foreignBytes: Record<string, (secret: string) => string> = {
  'NUL inside': (secret) => `${secret.slice(0, 20)}\0${secret.slice(20)}:`,
  'CR LF inside': (secret) => `${secret}\r\n:`,
  'DEL inside': (secret) => `${secret}\x7f:`,
  'a C1 control inside': (secret) => `${secret}\x85:`,
  'the byte FF inside': (secret) => `${secret}\xff:`,
  'an overlong slash inside': (secret) => `${secret}\xc0\xaf:`,
  'a byte order mark in front': (secret) => `\xef\xbb\xbf${secret}:`,
  'a no-break space behind': (secret) => `${secret}\xc2\xa0:`,
  'a space in front': (secret) => ` ${secret}:`,
  'a Cyrillic look-alike': (secret) => `${secret.replace('s', '\xd1\x95')}:`,
  'full-width letters': (secret) => `\xef\xbd\x93\xef\xbd\x8b${secret.slice(2)}:`,
}

/** Spellings of base64 that decode to the right key under a lenient reader. */
const lenientBase64: Record<string, (credential: string) => string> = {
  'one padding character too many': (text) => `${text}=`,
  'a space inside': (text) => `${text.slice(0, 20)} ${text.slice(20)}`,
  'trailing junk': (text) => `${text}junk`,
  'an illegal character inside': (text) => `${text.slice(0, 20)}*${text.slice(20)}`,
  'non-zero spare bits': (text) => `${text.slice(0, -2)}${nextBase64(text.at(-2) as string)}=`,
  'a NUL-like escape inside': (text) => `${text.slice(0, 20)}%00${text.slice(20)}`,
  'quotes around it': (text) => `"${text}"`,
}

export const credentialRequests: readonly GoldenRequest[] = [
  { name: 'a good key passes', ...passes() },
  { name: 'a rotated key passes with its new secret', state: 'rotated', ...passes() },

  // The causes of a 401, and a removed key, which cannot be told from an unknown one.
  { name: 'no Authorization header is 401', authorization: [], ...unauthorized() },
  { name: 'a malformed key is 401', authorization: [basic('sk_live_nonsense')], ...unauthorized() },
  { name: 'an unknown key is 401', state: 'unknown', ...unauthorized() },
  { name: 'a revoked key is 401', state: 'revoked', ...unauthorized() },
  { name: 'an expired key is 401', state: 'expired', ...unauthorized() },
  { name: 'a key of another environment is 401', state: 'other environment', ...unauthorized() },
  { name: 'a removed key is 401', state: 'removed', ...unauthorized() },
  { name: 'a secret after its grace is 401', state: 'grace over', ...unauthorized() },

  // From a browser the challenge names a scheme that opens no login box.
  {
    name: 'no key from a browser is 401',
    authorization: [],
    headers: [browser],
    ...unauthorized(customChallenge),
  },
  {
    name: 'a malformed key from a browser is 401',
    authorization: [basic('sk_live_nonsense')],
    headers: [browser],
    ...unauthorized(customChallenge),
  },
  {
    name: 'an unknown key from a browser is 401',
    state: 'unknown',
    headers: [browser],
    ...unauthorized(customChallenge),
  },
  {
    name: 'a revoked key from a browser is 401',
    state: 'revoked',
    headers: [browser],
    ...unauthorized(customChallenge),
  },
  {
    name: 'a revoked key with origin rules answers like an unknown one',
    state: 'revoked',
    key: { allowedOrigins: ['https://shop.example.com'] },
    headers: [browser],
    ...unauthorized(customChallenge),
  },
  {
    name: 'an expired key with address rules answers like an unknown one',
    state: 'expired',
    key: { allowedIps: ['10.0.0.0/8'] },
    ...unauthorized(),
  },
  {
    name: 'a challenge policy of basic names Basic to browsers, too',
    server: 'basic challenge',
    authorization: [],
    headers: [browser],
    ...unauthorized(basicChallenge),
  },
  {
    name: 'a challenge policy of custom never names Basic',
    server: 'custom challenge',
    authorization: [],
    ...unauthorized(customChallenge),
  },

  ...['', 'Basic', 'Basic ', 'Basic  '].map((value) => ({
    name: `the header value ${JSON.stringify(value)} is 401`,
    authorization: [value],
    ...unauthorized(),
  })),
  ...['basic', 'BASIC', 'bAsIc'].map((scheme) => ({
    name: `the scheme may be spelled ${scheme}`,
    authorization: [(secret: string) => `${scheme} ${credentialOf(secret)}`],
    ...passes(),
  })),
  {
    name: 'several spaces may follow the scheme',
    authorization: [(secret) => `Basic    ${credentialOf(secret)}`],
    ...passes(),
  },
  {
    name: 'blanks around the value do not count',
    authorization: [(secret) => `  ${basic(secret)} \t`],
    ...passes(),
  },
  ...['Bearer', 'Digest', 'Negotiate', 'BasicX', 'xBasic', 'Basi'].map((scheme) => ({
    name: `the scheme ${scheme} is 401 whatever follows`,
    authorization: [(secret: string) => `${scheme} ${credentialOf(secret)}`],
    ...unauthorized(),
  })),
  { name: 'a bare key without a scheme is 401', authorization: [(secret) => secret], ...unauthorized() },
  {
    name: 'a tab behind the scheme is 401',
    authorization: [(secret) => `Basic\t${credentialOf(secret)}`],
    ...unauthorized(),
  },
  { name: 'the same credential twice is 401', authorization: [basic, basic], ...unauthorized() },
  {
    name: 'a good credential and then a bad one is 401',
    authorization: [basic, basic('sk_live_nonsense')],
    ...unauthorized(),
  },
  {
    name: 'a good credential and then a Bearer token is 401',
    authorization: [basic, 'Bearer abc'],
    ...unauthorized(),
  },
  {
    name: 'a second credential under another spelling of the header name is 401',
    headers: [(secret) => `AUTHORIZATION: ${basic(secret)}`],
    ...unauthorized(),
  },
  {
    name: 'two credentials joined by a comma are 401',
    authorization: [(secret) => `${basic(secret)}, ${basic(secret)}`],
    ...unauthorized(),
  },
  {
    name: 'base64 without its padding passes',
    authorization: [(secret) => basic(secret).replace(/=+$/, '')],
    ...passes(),
  },
  ...Object.entries(lenientBase64).map(([what, spell]) => ({
    name: `base64 with ${what} is 401`,
    authorization: [(secret: string) => `Basic ${spell(credentialOf(secret))}`],
    ...unauthorized(),
  })),
  {
    name: 'a credential without a colon is 401',
    authorization: [(secret) => `Basic ${encode(secret)}`],
    ...unauthorized(),
  },
  {
    name: 'the key in the password is 401',
    authorization: [(secret) => `Basic ${encode(`:${secret}`)}`],
    ...unauthorized(),
  },
  ...['x', ':', ' '].map((password) => ({
    name: `the password ${JSON.stringify(password)} is 401`,
    authorization: [(secret: string) => `Basic ${encode(`${secret}:${password}`)}`],
    ...unauthorized(),
  })),
  ...Object.entries(foreignBytes).map(([what, spell]) => ({
    name: `a credential with ${what} is 401`,
    authorization: [(secret: string) => `Basic ${encode(spell(secret))}`],
    ...unauthorized(),
  })),
  {
    name: 'a byte above 7F in the header is 401',
    authorization: [(secret) => `${basic(secret)}\xe9`],
    ...unauthorized(),
  },
  { name: 'a header of 8 KB is 401', authorization: [`Basic ${'A'.repeat(8_000)}`], ...unauthorized() },
  { name: 'a header of 15 KB is 401', authorization: [`Basic ${'A'.repeat(15_000)}`], ...unauthorized() },
  {
    name: 'a key that lacks its last character is 401',
    authorization: [(secret) => basic(secret.slice(0, -1))],
    ...unauthorized(),
  },
  {
    name: 'a key with a character too many is 401',
    authorization: [(secret) => basic(`${secret}0`)],
    ...unauthorized(),
  },
  {
    name: 'a key under another prefix is 401',
    authorization: [(secret) => basic(secret.replace('sk_live_', 'sk_test_'))],
    ...unauthorized(),
  },
  {
    name: 'a key in the wrong case is 401',
    authorization: [(secret) => basic(secret.toUpperCase())],
    ...unauthorized(),
  },
  {
    name: 'many other headers change nothing',
    headers: Array.from({ length: 500 }, (_, index) => `X-H${index}: ${index}`),
    ...passes(),
  },
  {
    name: 'a key in the query is 401 unless allowed',
    authorization: [],
    path: (secret) => `/v1/track?writeKey=${secret}`,
    ...unauthorized(),
  },
  {
    name: 'a key in X-Write-Key is 401 unless allowed',
    authorization: [],
    headers: [(secret) => `X-Write-Key: ${secret}`],
    ...unauthorized(),
  },
  {
    name: 'a key in a cookie is 401',
    authorization: [],
    headers: [(secret) => `Cookie: writeKey=${secret}`],
    ...unauthorized(),
  },
  {
    name: 'a key in the body is 401 unless allowed',
    authorization: [],
    body: (secret) => JSON.stringify({ ...signedUp, writeKey: secret }),
    ...unauthorized(),
  },
  {
    name: 'a key in the body beside a good header is taken out of the event',
    body: (secret) => JSON.stringify({ ...signedUp, writeKey: secret }),
    ...passes(),
  },
]
