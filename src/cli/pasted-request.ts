/** A request as a sender would send it. */
export interface PastedRequest {
  method: string
  /** As it is sent, without the query. */
  path: string
  query: string
  /** Names in lower case. */
  headers: Record<string, string[]>
  /** `undefined`: none. */
  body: string | undefined
  /** Whether it has a body that the text does not show, such as a file. */
  hasHiddenBody: boolean
}

export function createRequest({ headers, ...more }: Partial<PastedRequest> = {}): PastedRequest {
  const request = { method: 'GET', path: '/', query: '', body: undefined, hasHiddenBody: false, ...more }
  // Without a prototype: headers may have any name.
  return { ...request, headers: Object.assign(Object.create(null), headers) }
}

export function addHeader({ headers }: PastedRequest, name: string, value: string): void {
  const field = name.toLowerCase()
  headers[field] = [...(headers[field] ?? []), value]
}

export function basicOf(userAndPassword: string): string {
  return `Basic ${Buffer.from(userAndPassword).toString('base64')}`
}

const urlParts = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:([^/?#@]*)@)?[^/?#]*([^?#]*)(?:\?([^#]*))?/i

/**
 * Sets path, query and the user of a URL, which senders turn into Basic.
 * @param toPath what the sender makes of its path
 */
export function setUrl(request: PastedRequest, url: string, toPath = withoutDots): void {
  const [, user, path = '', query = ''] = urlParts.exec(url) ?? []
  request.path = toPath(path === '' ? '/' : path).replace(/[\x80-\uffff]+/g, percentEncoded)
  request.query = query
  if (user !== undefined && request.headers.authorization === undefined) {
    // Decoded after the split: an encoded colon belongs to its part.
    const [name = '', password = ''] = user.split(/:(.*)/s).map(decode)
    addHeader(request, 'authorization', basicOf(`${name}:${password}`))
  }
}

/** As `setUrl`, for `fetch` and browsers, which send a URL as its standard reads it. */
export function setWebUrl(request: PastedRequest, url: string): void {
  setUrl(request, url)
  if (!/^(?:https?:\/)?\//i.test(url) || !URL.canParse(url, 'http://localhost')) return
  const { pathname, search } = new URL(url, 'http://localhost')
  setTarget(request, pathname + search)
}

/** Sets path and query to those of a request line, which says them as they are sent. */
export function setTarget(request: PastedRequest, target: string): void {
  const [path = '', query = ''] = target.split(/\?(.*)/s)
  request.path = path
  request.query = query
}

/** RFC 3986, 5.2.4. */
function withoutDots(path: string): string {
  const segments = path.split('/').slice(1)
  const kept: string[] = []
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === '.' || segment === '..'
    if (segment === '..') kept.pop()
    if (!isDots || index === segments.length - 1) kept.push(isDots ? '' : segment)
  }
  return `/${kept.join('/')}`
}

function percentEncoded(text: string): string {
  return Buffer.from(text).toString('hex').replace(/../g, '%$&')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
