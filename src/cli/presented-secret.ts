import { isWellFormedSecret } from '../keys/secret.ts'
import { readCurl } from './curl-request.ts'
import { keySpots, readObject } from './key-spots.ts'
import {
  addHeader,
  basicOf,
  createRequest,
  type PastedRequest,
  setTarget,
  setWebUrl,
} from './pasted-request.ts'

/** What somebody pasted. */
export type Pasted =
  /** A key, and how it would be sent is not known. @param foundIn undefined: alone */
  | { kind: 'key'; secret: string; foundIn?: string }
  /** What a sender would send, and in which order. */
  | { kind: 'requests'; requests: PastedRequest[] }

/**
 * Reads what people paste: a key, `key:`, headers, a URL, a curl command, `fetch` as browsers copy it, a
 * body, or a text that holds a key of ours.
 */
export function readPasted(pasted: string): Pasted {
  const text = unquote(pasted.trim())
  const requests = readCurl(text) ?? readFetch(text) ?? readUrl(text) ?? readHead(text) ?? readBody(text)
  if (requests !== undefined) return { kind: 'requests', requests: [requests].flat() }
  if (/^[^\s:/]*:[^\s:/]*$/.test(text)) return { kind: 'requests', requests: [authorized(basicOf(text))] }
  if (!/[\s/=:"'{]/.test(text)) return { kind: 'key', secret: text }
  const scheme = /\b(?:basic|bearer)\s+[\w+/=.~:-]{16,}/i.exec(text)?.[0]
  const line =
    /["']?\b(authorization|cookie|x-[a-z0-9-]{1,60})["']?\s*:\s*["'`]?([^"'`,\s}]+(?: [^"'`,\s}]+)?)/i.exec(
      text,
    )
  if (scheme !== undefined) return { kind: 'requests', requests: [authorized(scheme)] }
  const [, name, value] = line ?? []
  const secret = text.split(/[^A-Za-z0-9_-]+/).find(isWellFormedSecret)
  if (name !== undefined && value !== undefined && secret !== undefined && value.includes(secret)) {
    const request = createRequest()
    addHeader(request, name, value)
    return { kind: 'requests', requests: [request] }
  }
  const url = /https?:\/\/[^\s"'`<>]+/.exec(text)?.[0]
  if (secret !== undefined && url?.includes(secret)) return { kind: 'requests', requests: readUrl(url) ?? [] }
  return secret === undefined
    ? { kind: 'key', secret: text }
    : { kind: 'key', secret, foundIn: 'a longer text' }
}

/** The key in what somebody pasted, wherever it stands. */
export function readPresentedSecret(pasted: string): string {
  const read = readPasted(pasted)
  if (read.kind === 'key') return read.secret
  const spots = read.requests.flatMap((request) => keySpots(request, isWellFormedSecret))
  const spot = spots.find(({ secret }) => isWellFormedSecret(secret)) ?? spots[0]
  return spot?.secret ?? pasted.split(/[^A-Za-z0-9_-]+/).find(isWellFormedSecret) ?? pasted.trim()
}

function authorized(authorization: string): PastedRequest {
  return createRequest({ headers: { authorization: [authorization] } })
}

/** `fetch("…", {…})`, as the developer tools of browsers write it. */
function readFetch(text: string): PastedRequest | undefined {
  const [, url, options] =
    /^(?:await\s+)?fetch\(\s*["']([^"']+)["']\s*(?:,\s*(\{.*\}))?\s*\);?$/s.exec(text) ?? []
  if (url === undefined) return undefined
  const given = options === undefined ? {} : readObject(options.replace(headersObject, '$1'))
  return given && fromOptions({ url, ...given }, setWebUrl)
}

const headersObject = /\bnew\s+Headers\(\s*(\{[^{}]*\}|\[[^()]*\])\s*\)/

/** An object of JSON: a request, as it says itself, or the body of one. */
function readBody(text: string): PastedRequest | undefined {
  const given = readObject(text)
  if (given === undefined) return undefined
  if (typeof given.headers === 'object' && given.headers !== null) return fromOptions(given, setLoggedUrl)
  return createRequest({ method: 'POST', body: text })
}

function fromOptions(
  { url, method, headers, body }: Record<string, unknown>,
  setUrl: (request: PastedRequest, url: string) => void,
): PastedRequest {
  const request = createRequest()
  if (typeof method === 'string') request.method = usualMethod.test(method) ? method.toUpperCase() : method
  const pairs = Array.isArray(headers) ? headers.filter(Array.isArray) : Object.entries(headers ?? {})
  for (const [name, value] of pairs) {
    const field = String(name).toLowerCase()
    // Its own length, whatever somebody has written down. Several values of one name are sent as one.
    if (field !== 'content-length')
      request.headers[field] = [[...(request.headers[field] ?? []), String(value).trim()].join(', ')]
  }
  if (typeof body === 'string') request.body = body
  else if (typeof body === 'object' && body !== null) request.body = JSON.stringify(body)
  if (typeof url === 'string') setUrl(request, url)
  return request
}

/** The methods that `fetch` sends in capitals, however they are written. */
const usualMethod = /^(?:delete|get|head|options|post|put)$/i

/** A log has the target as it was sent. */
function setLoggedUrl(request: PastedRequest, url: string): void {
  if (url.startsWith('/')) setTarget(request, url)
  else setWebUrl(request, url)
}

/** A URL, with a method or without. */
function readUrl(text: string): PastedRequest[] | undefined {
  const [, method, url] = /^(?:(GET|HEAD|POST|PUT|PATCH|DELETE)\s+)?(https?:\/\/\S+)$/i.exec(text) ?? []
  if (url === undefined) return undefined
  const name = method?.toUpperCase() ?? 'GET'
  const request = createRequest({ method: name, hasHiddenBody: name !== 'GET' && name !== 'HEAD' })
  setWebUrl(request, url)
  return [request]
}

const knownHeader = /^(?:authorization|cookie|x-[a-z0-9-]{1,60})\s*:/i
const credential = /^(?:basic|bearer|token|digest|api-?key|key|splunk)\s+\S+$/i

/** One header, its value alone, or the head of a request as a log or a tool shows it. */
function readHead(text: string): PastedRequest | undefined {
  if (credential.test(text)) return authorized(text)
  const [head = '', ...rest] = text.split(/\r?\n\r?\n/)
  const lines = head.split(/\r?\n/).map((line) => line.replace(/^> ?/, ''))
  const [, method, target, version] = /^([a-z]+) (\S+)( HTTP\/[\d.]+)?$/i.exec(lines[0] ?? '') ?? []
  const fields = target === undefined ? lines : lines.slice(1)
  if (!fields.every((line) => /^[\w-]+\s*:/.test(line))) return undefined
  if (target === undefined && !fields.some((line) => knownHeader.test(line))) return undefined
  if (target !== undefined && version === undefined && !/^(?:\/|https?:)/.test(target)) return undefined
  const request = createRequest({ method: method ?? 'GET' })
  for (const line of fields) {
    const [name = '', value = ''] = line.split(/\s*:\s*(.*)$/s)
    addHeader(request, name, value.trim())
  }
  if (target !== undefined) setTarget(request, target)
  const body = rest.join('\n\n').trim()
  if (body !== '') request.body = body
  else
    request.hasHiddenBody =
      request.method !== 'GET' && request.method !== 'HEAD' && request.headers['content-length']?.[0] !== '0'
  return request
}

function unquote(text: string): string {
  return /^(["'])([^"']*)\1,?$/s.exec(text)?.[2]?.trim() ?? text
}
