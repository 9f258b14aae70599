import type { CredentialSource } from '../index.ts'
import { isWellFormedSecret } from '../keys/secret.ts'
import type { PastedRequest } from './pasted-request.ts'

/** A part of a request that may be meant as its key. */
export interface KeySpot {
  secret: string
  /** As in "found in a Bearer header". */
  foundIn: string
  /** The place that reads it, for the option `credentials`. */
  place?: CredentialSource
  /** Why no place reads it. */
  mistake?: string
  /** Whether some published SDKs put their key here, so that the paths of those read it. */
  isOfSdks: boolean
}

/** The parts of a request that may be its key, those that senders mean first. */
export function keySpots(request: PastedRequest, isKey: (text: string) => boolean): KeySpot[] {
  const { authorization = [], ...others } = request.headers
  return [
    ...authorization.flatMap(inAuthorization),
    ...Object.entries(others).flatMap(([name, values]) =>
      values.flatMap((value) => inHeader(name, value, isKey)),
    ),
    ...inPath(request.path, isKey),
    ...inQuery(request.query, isKey),
    ...inBody(request.body, isKey),
  ]
}

const schemes = "Basic with the key as the user name, or Bearer with credentials: 'bearer'"

function inAuthorization(header: string): KeySpot[] {
  const [, scheme, credential] = /^ *(?:(\S+) +)?(\S*)\s*$/.exec(header) ?? []
  if (credential === undefined || credential === '') return []
  if (scheme?.toLowerCase() === 'basic') return inBasic(credential)
  const spot = { secret: credential.replace(/:$/, ''), isOfSdks: false }
  if (scheme?.toLowerCase() === 'bearer')
    return [{ ...spot, secret: credential, foundIn: 'a Bearer header', place: 'bearer' }]
  const what =
    scheme === undefined
      ? 'The Authorization header has no scheme.'
      : `The scheme ${/^[\w-]{1,20}$/.test(scheme) ? scheme : 'of the Authorization header'} holds no key.`
  return [{ ...spot, foundIn: 'an Authorization header', mistake: `${what} Send ${schemes}.` }]
}

function inBasic(credential: string): KeySpot[] {
  const spot = { foundIn: 'a Basic header', isOfSdks: false }
  // Many a sender forgets to encode.
  const plain = credential.replace(/:$/, '')
  if (isWellFormedSecret(plain))
    return [
      {
        ...spot,
        secret: plain,
        mistake: 'The secret itself follows "Basic". Send the base64 of the secret with a colon at its end.',
      },
    ]
  const decoded = Buffer.from(credential, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  if (colon < 0)
    return [
      {
        ...spot,
        secret: decoded.trim(),
        mistake: 'The colon after the secret is missing. Encode the secret with a colon at its end.',
      },
    ]
  const user = decoded.slice(0, colon)
  const password = decoded.slice(colon + 1)
  if (user === '')
    return [
      {
        ...spot,
        secret: password,
        mistake: 'The secret is sent as the password. Send it as the user name, before the colon.',
      },
    ]
  if (password === '') return [{ ...spot, secret: user, place: 'basic' }]
  return [
    {
      ...spot,
      secret: user,
      mistake: 'The password is not empty. Send the key as the user name, and no password.',
    },
  ]
}

const meantAsKey = /key|token|secret|auth/i

function inHeader(name: string, value: string, isKey: (text: string) => boolean): KeySpot[] {
  if (name === 'cookie') {
    const cookies = value.split(';').map((cookie) => cookie.slice(cookie.indexOf('=') + 1).trim())
    const mistake = `No key is read from a cookie. Send ${schemes}.`
    return cookies
      .filter(isKey)
      .map((secret) => ({ secret, foundIn: 'a Cookie header', mistake, isOfSdks: false }))
  }
  if (!isKey(value) && !(meantAsKey.test(name) && /^[\x21-\x7e]{16,256}$/.test(value))) return []
  const spelled = name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
  return [
    {
      secret: value,
      foundIn: `${/^[aeiox]/i.test(spelled) ? 'an' : 'a'} ${spelled} header`,
      place: name === 'x-write-key' ? 'header' : { header: spelled },
      isOfSdks: false,
    },
  ]
}

function inPath(path: string, isKey: (text: string) => boolean): KeySpot[] {
  const segments = path.split('/').slice(1)
  return segments.flatMap((segment, index) => {
    if (!isKey(segment)) return []
    const before = index === 0 ? [] : [segments[index - 1] as string]
    const behind = segments.slice(index + 1).filter((part) => part !== '')
    const pattern: `/${string}` = `/${[...before, ':key', ...behind].join('/')}`
    return [{ secret: segment, foundIn: 'the path of a URL', place: { path: pattern }, isOfSdks: true }]
  })
}

function inQuery(query: string, isKey: (text: string) => boolean): KeySpot[] {
  return [...new URLSearchParams(query)]
    .filter(([name, value]) => isKey(value) || (meantAsKey.test(name) && value.length >= 16))
    .map(([name, secret]) => ({
      secret,
      foundIn: 'the query of a URL',
      place: name.toLowerCase() === 'writekey' ? 'query' : { query: name },
      isOfSdks: true,
    }))
}

function inBody(body: string | undefined, isKey: (text: string) => boolean): KeySpot[] {
  return Object.entries(readObject(body) ?? {}).flatMap(([name, value]) =>
    typeof value === 'string' && isKey(value)
      ? [
          {
            secret: value,
            foundIn: 'a body',
            place: name === 'writeKey' ? ('body' as const) : { body: name },
            isOfSdks: true,
          },
        ]
      : [],
  )
}

/** @returns undefined for what is no object of JSON */
export function readObject(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
