import { addHeader, basicOf, createRequest, type PastedRequest, setTarget, setUrl } from './pasted-request.ts'
import { shellWords } from './shell-words.ts'

/** Options with a value. All others have none. */
const shortValued = 'AbcCdDeEFHKmoPQrtTuUwxXyYz'
const longValued = new Set(
  `abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to continue-at
  cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw data-urlencode delegation dns-interface
  dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file engine etag-compare etag-save expect100-timeout form
  form-string ftp-account ftp-method ftp-port happy-eyeballs-timeout-ms haproxy-clientip header hostpubmd5 hostpubsha256 hsts interface
  ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port login-options mail-auth mail-from
  mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max pass pinnedpubkey preproxy
  proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header
  proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword
  proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range rate referer request request-target resolve retry retry-delay
  retry-max-time sasl-authzid service-name socks4 socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit speed-time stderr
  telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket
  upload-file url url-query user user-agent variable vlan-priority write-out`.split(/\s+/),
)
const longOf: Readonly<Record<string, string>> = {
  b: 'cookie',
  d: 'data',
  e: 'referer',
  F: 'form',
  G: 'get',
  H: 'header',
  I: 'head',
  T: 'upload-file',
  u: 'user',
  X: 'request',
  ':': 'next',
}

/** What curl would send, a request for each URL. `undefined`: the text is no curl command. */
export function readCurl(text: string): PastedRequest[] | undefined {
  if (!/^(?:[$>#%]\s*)?(?:[\w./\\:-]*[/\\])?curl(?:\.exe)?\s/i.test(text)) return undefined
  const words = shellWords(text.replace(/^[$>#%]\s*/, '')).slice(1)
  return readTransfers(words).flatMap(toRequests)
}

type Option = readonly [name: string, value: string]

/** The options of each transfer: `--next` begins another. */
function readTransfers(words: readonly string[]): Option[][] {
  const transfers: Option[][] = [[]]
  const queue = [...words]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    for (const option of readWord(word, () => queue.shift() ?? '')) {
      if (option[0] === 'next') transfers.push([])
      else transfers.at(-1)?.push(option)
    }
  }
  return transfers
}

function readWord(word: string, next: () => string): Option[] {
  if (word.startsWith('--')) {
    const name = word.slice(2)
    return [[name, longValued.has(name) ? next() : '']]
  }
  if (!word.startsWith('-') || word === '-') return [['url', word]]
  const options: Option[] = []
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] as string
    const name = longOf[letter] ?? `-${letter}`
    if (shortValued.includes(letter)) {
      options.push([name, word.slice(at + 1) || next()])
      break
    }
    options.push([name, ''])
  }
  return options
}

function toRequests(options: readonly Option[]): PastedRequest[] {
  const all = (name: string) => options.flatMap(([given, value]) => (given === name ? [value] : []))
  const has = (name: string) => options.some(([given]) => given === name)
  const { body, isHidden } = readData(options)
  const isSent = body !== undefined && !has('get')
  const hasHiddenBody = (isHidden && !has('get')) || has('upload-file')
  const isForm = has('form') || has('form-string')
  const usual = has('head')
    ? 'HEAD'
    : has('upload-file')
      ? 'PUT'
      : isSent || isForm || hasHiddenBody
        ? 'POST'
        : 'GET'
  const added = [...all('url-query').map(toQuery), ...(body !== undefined && has('get') ? [body] : [])]

  return all('url').map((url) => {
    const request = createRequest({
      method: all('request').at(-1) ?? usual,
      body: isForm ? '--form' : isSent && !hasHiddenBody ? body : undefined,
      hasHiddenBody,
    })
    const named = setHeaders(request, all('header'))
    const setOwn = (name: string, value: string | undefined) => {
      if (value !== undefined && value !== '' && !named.has(name)) addHeader(request, name, value)
    }
    setOwn(
      'cookie',
      all('cookie')
        .filter((cookie) => cookie.includes('='))
        .join('; '),
    )
    setOwn(
      'referer',
      all('referer')
        .at(-1)
        ?.replace(/;auto.*$/s, ''),
    )
    setOwn('authorization', readUser(all, has))
    const hasOwnUser = named.has('authorization') && request.headers.authorization === undefined
    setUrl(request, url, has('path-as-is') ? (path) => path : undefined)
    if (hasOwnUser) delete request.headers.authorization
    request.query = [request.query, ...added].filter((part) => part !== '').join('&')
    const target = all('request-target').at(-1)
    if (target !== undefined) setTarget(request, target)
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers
    // Nothing says that there is a body, so no server reads it.
    if (named.has('content-length') && length === undefined && coding === undefined)
      Object.assign(request, { body: undefined, hasHiddenBody: false })
    return request
  })
}

/** @returns the names of all that are set, also to nothing: curl does not send its own there */
function setHeaders(request: PastedRequest, lines: readonly string[]): Set<string> {
  const named = new Set<string>()
  for (const line of lines) {
    const [, name, mark, value = ''] = /^([^:;\s]+)\s*([:;])\s*(.*?)\s*$/s.exec(line) ?? []
    if (name === undefined) continue
    named.add(name.toLowerCase())
    // `Name;` is an empty header, and `Name:` is none.
    if (value !== '' ? mark === ':' : mark === ';') addHeader(request, name, value)
  }
  return named
}

function readUser(all: (name: string) => string[], has: (name: string) => boolean): string | undefined {
  const bearer = all('oauth2-bearer').at(-1)
  const user = all('user').at(-1)
  if (bearer !== undefined) return `Bearer ${bearer}`
  // Without a colon curl asks for the password, which is empty.
  if (user === undefined || ['digest', 'ntlm', 'negotiate', 'aws-sigv4'].some(has)) return undefined
  return basicOf(user.includes(':') ? user : `${user}:`)
}

function readData(options: readonly Option[]): { body: string | undefined; isHidden: boolean } {
  let body: string | undefined
  let isHidden = false
  for (const [name, value] of options) {
    if (name !== 'json' && !/^data(?:-ascii|-binary|-raw|-urlencode)?$/.test(name)) continue
    const isFile = name !== 'data-raw' && (name === 'data-urlencode' ? /^[^=]*@/ : /^@/).test(value)
    isHidden ||= isFile
    const part = name === 'data-urlencode' ? encodePair(value) : value
    body = body === undefined ? part : `${body}${name === 'json' ? '' : '&'}${part}`
  }
  return { body, isHidden }
}

function toQuery(value: string): string {
  return value.startsWith('+') ? value.slice(1) : encodePair(value)
}

/** `content`, `=content` or `name=content`, as `--data-urlencode` takes them. */
function encodePair(value: string): string {
  const [, name, content] = /^(?:([^=]*)=)?(.*)$/s.exec(value) ?? []
  const encoded = encodeURIComponent(content ?? '')
  return name === undefined || name === '' ? encoded : `${name}=${encoded}`
}
