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
   * The target: the URL in front of the senders' paths, e.g. `https://events.example.com` or
   * `https://api.example.com/ingest`. Nothing else is ever called.
   */
  to: string | URL
  /**
   * The write key for the target. Pages never see it. Visible ASCII, without a colon. Only if `senders` is
   * `['jitsu']` may it be Jitsu's `id:secret`.
   */
  key: string
  /** Where the handler is mounted: the path in front of the senders' paths. Default: `'/events'`. */
  at?: string | undefined
  /**
   * Which pages may send (`origins`; default: those of the handler's own origin, and with `keys` those that the
   * page's key allows), and which header fields are passed on (`headers`; default: none but the two of the body).
   */
  allow?:
    | {
        /**
         * Pages that may send, written as in `allowedOrigins` of a key. Default: pages of the handler's own origin,
         * and with `keys` those in the `allowedOrigins` of the page's key. `[]`: no page. Requests that come from no
         * page always pass.
         */
        origins?: readonly string[] | undefined
        /**
         * Header fields to pass on, besides `content-type` and `content-encoding`. Example: `['user-agent']`.
         * Default: none.
         */
        headers?: readonly string[] | undefined
      }
    | undefined
  /** Finds the client's address, which the target gets as `X-Forwarded-For`. Must not be async. Default: it gets none. */
  ip?: ((request: Request, context: Context) => string | undefined) | undefined
  /**
   * Write keys of this app. Pages must then send one of them: it is verified, and only accepted events are
   * forwarded. Default: pages need no key.
   */
  keys?: Pick<WriteKeys, 'verify' | 'preflight'> | undefined
  /** The senders whose paths are forwarded. Default: those that `createIngestApi` serves by default. */
  senders?: readonly SenderName[] | undefined
  /** Largest body as sent, in bytes. 1 to 100 000 000. Default 4 000 000. */
  maxBodyBytes?: number | undefined
  /**
   * How long to wait for the body, and then for the target's answer, in milliseconds. 1 to 600 000. Default
   * 10 000.
   */
  timeoutMs?: number | undefined
  /** Called when the target fails or cannot be reached. Default: a process warning. */
  onError?: ((error: unknown, request: Request) => unknown) | undefined
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
  if (value === '*')
    throw new ConfigError(
      option,
      `${option} must name an origin: any origin cannot be allowed here. Without origins, pages of the handler's own origin may send.`,
    )
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
