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

/** Sets path, query and the user of a URL, which senders turn into Basic. */
export function setUrl(request: PastedRequest, url: string): void {
  const [, user, path = '', query = ''] = urlParts.exec(url) ?? []
  request.path = resolveDots(path === '' ? '/' : path)
  request.query = query
  if (user !== undefined && request.headers.authorization === undefined) {
    const plain = decode(user)
    addHeader(request, 'authorization', basicOf(plain.includes(':') ? plain : `${plain}:`))
  }
}

function resolveDots(path: string): string {
  return /\/\.{1,2}(?:\/|$)/.test(path) ? new URL(path, 'http://localhost').pathname : path
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
