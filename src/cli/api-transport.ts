import type { Values } from './arguments.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import type { Transport } from './management-client.ts'
import { noteLine, type Terminal } from './terminal.ts'

/** Longest wait for an answer. A revocation takes a lease, an import of a thousand keys some seconds. */
const answerMs = 60_000

/** A server with the management API, as `--api` and its token say. */
export function apiTransport(api: string, values: Values, terminal: Terminal): Transport {
  for (const name of ['store', 'schema', 'table-prefix'])
    if (values[name] !== undefined) throw usageError(`Give --api or --${name}, not both.`)
  const origin = toOrigin(api)
  const token = readToken(values, terminal)
  return {
    place: origin,
    origin,
    async send(request) {
      request.headers.set('authorization', `Bearer ${token}`)
      const isStream = request.headers.get('accept') === 'text/event-stream'
      try {
        return await fetch(request, isStream ? {} : { signal: AbortSignal.timeout(answerMs) })
      } catch (error) {
        if (request.signal.aborted) throw error
        throw new CliError(exitCodes.unavailable, `The server at --api, ${origin}, ${describe(error)}`)
      }
    },
    async close() {},
  }
}

function toOrigin(api: string): string {
  const example = 'such as https://events.example.com'
  let url: URL
  try {
    url = new URL(api)
  } catch {
    throw usageError(`--api must be the URL of a server, ${example}.`)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw usageError(`--api must begin with https:// or http://, ${example}.`)
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw usageError(
      `--api must be a URL without a user, query or fragment, ${example}; the management token goes into WRITEKEY_TOKEN.`,
    )
  // The address of the page or of the API works too.
  const base = url.pathname
    .replace(/\/+$/, '')
    .replace(/(\/events\/write-keys|\/api\/v1(\/events(\/write-keys)?)?)$/, '')
  return url.origin + base
}

function readToken(values: Values, terminal: Terminal): string {
  const given = typeof values.token === 'string' ? values.token : undefined
  const token = given ?? terminal.env.WRITEKEY_TOKEN
  if (token === undefined || token === '')
    throw usageError('--api needs a management token: put it into the variable WRITEKEY_TOKEN.')
  // Anything else is not a valid header value, and fetch would quote it in its message.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    const name = given === undefined ? 'WRITEKEY_TOKEN' : '--token'
    throw usageError(`${name} is not a management token: it has spaces or characters beyond ASCII.`)
  }
  if (given !== undefined && terminal.stderr.isTTY === true)
    noteLine(
      terminal,
      'Other users of this machine can see --token. Use the variable WRITEKEY_TOKEN to hide it.',
      'dim',
    )
  return token
}

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'does not answer: nothing listens there. Is it running, and is the port right?',
  ENOTFOUND: 'does not answer: its host name is not known. Is it spelt right?',
  EAI_AGAIN: 'does not answer: its host name cannot be looked up now. Is the network there?',
  ECONNRESET: 'does not answer: it closed the connection. Is it http:// or https://?',
  UND_ERR_SOCKET: 'does not answer: it closed the connection. Is it http:// or https://?',
  ETIMEDOUT: 'does not answer in time.',
  UND_ERR_CONNECT_TIMEOUT: 'does not answer in time.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS: try http://.',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'has a certificate from an unknown authority. Set NODE_EXTRA_CA_CERTS to a file with the certificate of that authority.',
  SELF_SIGNED_CERT_IN_CHAIN:
    'has a certificate from an unknown authority. Set NODE_EXTRA_CA_CERTS to a file with the certificate of that authority.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'has a certificate from an unknown authority. Set NODE_EXTRA_CA_CERTS to a file with the certificate of that authority.',
  CERT_HAS_EXPIRED: 'has a certificate that has expired.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another host name.',
}

/** `fetch` itself only says "fetch failed". */
function describe(error: unknown): string {
  const { name, cause } = error as Error & { cause?: { code?: string; message?: string } }
  if (name === 'TimeoutError') return `did not answer within ${answerMs / 1_000} s.`
  const code = cause?.code ?? ''
  if (cause?.message === 'bad port') return 'has a port that HTTP may not use. Is it right?'
  return causes[code] ?? `does not answer: ${code || (cause?.message ?? (error as Error).message)}.`
}
