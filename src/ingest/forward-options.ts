import { isPlainPath } from '../http/plain-path.ts'
import { normalizeOriginRule } from '../rules/origin-spelling.ts'
import { badOption, ConfigError } from '../runtime/config-error.ts'
import { callback, group, having, list, type OptionReader, text, whole } from '../runtime/options.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import type { SenderName } from './senders.ts'
import { sendersOption } from './senders-option.ts'

/** Options of `forwardEvents`. */
export interface ForwardOptions<Context = unknown> {
  /**
   * The base URL of the senders' paths at the target, e.g. `https://events.example.com` or
   * `https://api.example.com/ingest`. Nothing else is ever called.
   */
  to: string | URL
  /**
   * The server's write key at the target. It never reaches the page. Visible ASCII. A colon, as in Jitsu's
   * `id:secret`, is allowed only where Jitsu is the only one of `senders`.
   */
  key: string
  /** The path in front of the senders' paths here. Default: `'/events'`. */
  at?: string
  allow?: {
    /**
     * Pages that may send, written as in `allowedOrigins` of a key. Default: pages of the handler's own
     * origin; with `keys`, also those that the page's key names in `allowedOrigins`. `[]`: no page. Requests that do not come from a page
     * always pass.
     */
    origins?: readonly string[]
    /**
     * Header fields of the page that are passed on beside `content-type` and `content-encoding`, e.g.
     * `['user-agent']`.
     */
    headers?: readonly string[]
  }
  /** The client's address, which the target gets as `X-Forwarded-For`. Default: it gets none. */
  ip?: (request: Request, context: Context) => string | undefined
  /**
   * Write keys of this app: what the page presents is verified first, and only accepted events are forwarded.
   * Default: none.
   */
  keys?: Pick<WriteKeys, 'verify' | 'preflight'>
  /** The senders whose paths are forwarded. Default: those that `createIngestApi` serves by default. */
  senders?: readonly SenderName[]
  /** Largest body, in bytes as sent. From 1 to 100 000 000, default 4 000 000. */
  maxBodyBytes?: number
  /**
   * Time for the body to arrive, and again for the target to answer, in milliseconds. From 1 to 600 000,
   * default 10 000.
   */
  timeoutMs?: number
  /** Told about failures between this server and the target. Default: a process warning. */
  onError?: (error: unknown, request: Request) => unknown
}

export const forwardReaders = {
  to: readTarget,
  key: text(/^[!-~]{1,384}$/, 'the write key for the target: visible ASCII characters without ":"'),
  at: mountPath,
  allow: group({
    origins: (value: unknown, option: string) =>
      value === undefined
        ? undefined
        : list(origin, "a list of origins such as ['https://app.example.com']")(value, option),
    headers: list(header, "a list of header names such as ['user-agent']"),
  }),
  ip: callback<(request: Request, context: unknown) => string | undefined>(),
  keys: having<Pick<WriteKeys, 'verify' | 'preflight'>>(
    ['verify', 'preflight'],
    'what createWriteKeys() returned',
  ),
  senders: sendersOption,
  maxBodyBytes: whole(1, 100_000_000, 4_000_000),
  timeoutMs: whole(1, 600_000, 10_000),
  onError: callback<(error: unknown, request: Request) => unknown>(),
} satisfies Record<keyof ForwardOptions, OptionReader<unknown>>

/** Without a slash at its end. */
function mountPath(value: unknown = '/events', option: string): string {
  if (value === '') return value
  if (typeof value !== 'string' || !isPlainPath(value))
    throw badOption(option, value, "a path such as '/events'")
  return value.endsWith('/') ? value.slice(0, -1) : value
}

/** Without a slash at its end. */
function readTarget(value: unknown, option: string): string {
  const given = value instanceof URL ? value.href : value
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  const hasMore = url !== undefined && `${url.username}${url.password}${url.search}${url.hash}` !== ''
  if (url === undefined || !isWeb || hasMore) {
    throw badOption(
      option,
      value,
      'an https or http URL without a user, a query or a fragment, such as https://events.example.com',
    )
  }
  return url.href.replace(/\/+$/, '')
}

function origin(value: unknown, option: string): string {
  if (typeof value !== 'string') throw badOption(option, value, 'an origin such as https://app.example.com')
  const spelling = normalizeOriginRule(value, (host) => !host.includes('.'))
  if ('problem' in spelling) throw new ConfigError(option, `${option} ${spelling.problem}.`)
  return spelling.rule
}

/** Headers that identify the caller or frame the message are set by the forwarder. */
const ours =
  /^(?:authorization|connection|content-length|cookie2?|expect|forwarded|host|keep-alive|origin|proxy-.*|referer|sec-.*|te|trailer|transfer-encoding|upgrade|via|x-forwarded-.*|x-real-ip|x-write-key)$/

function header(value: unknown, option: string): string {
  const name = text(/^[\w!#$%&'*+.^`|~-]{1,100}$/, 'the name of a header field')(value, option).toLowerCase()
  if (ours.test(name)) throw new ConfigError(option, `${option} must not be ${name}: it is never passed on.`)
  return name
}
