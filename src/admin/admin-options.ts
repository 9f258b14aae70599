import { pathPrefix } from '../http/path-prefix.ts'
import { adminTokenPattern } from '../keys/ids.ts'
import { workspaceOption } from '../keys/workspace-option.ts'
import { createClientAddress, type TrustedProxies } from '../rules/client-address.ts'
import { badOption, ConfigError } from '../runtime/config-error.ts'
import { callback, flag, group, list, oneOf, readOptions, text } from '../runtime/options.ts'
import { type Logger, loggerOf, loggerOption } from '../verifier/logger.ts'

/** What a caller may do: a viewer reads, an admin also changes. */
export type Role = 'admin' | 'viewer'

/** A credential of the management API. */
export interface AdminToken {
  /** Who this is, for the audit log. 1 to 100 characters. */
  name: string
  /**
   * At least 32 characters of `A-Z a-z 0-9 - . _ ~ + / =`, e.g. from `openssl rand -hex 32`. Only its hash is
   * kept.
   */
  token: string
  role: Role
  /** Limits the token to the keys of one workspace. A value of `undefined` is refused. Default: all keys. */
  workspace?: string
}

/** Who sent a request. */
export interface Principal {
  /** For the audit log; never a credential. */
  name: string
  role: Role
  /**
   * The only workspace that this caller sees and changes. Absent: all keys. A value of `undefined`, `null` or
   * empty text refuses the request: it never means all.
   */
  workspace?: string
}

/** What is known about a request beyond the request itself. */
export interface RequestInfo {
  /** The socket's address, not a forwarded one. */
  address?: string | undefined
}

/**
 * The application's own access control: returns who sent the request, or null to refuse it with 401. Called
 * for each request without a valid token. If it throws, the request is refused with 500.
 */
export type Authorize = (request: Request, info: RequestInfo) => Principal | null | Promise<Principal | null>

/** Options of `createAdminApi`. At least one of `tokens` and `authorize` is needed. */
export interface AdminApiOptions {
  /** Credentials for `Authorization: Bearer`. Several at once allow moving from one to the next. */
  tokens?: readonly AdminToken[] | undefined
  /**
   * The application's own access control, for requests without a valid token: returns who sent the request, or
   * null to refuse it with 401. Default: tokens alone.
   */
  authorize?: Authorize | undefined
  /** Prefix of every path, e.g. `/internal`; mount points of a framework, and `path` of `adminRoutes` in Hono and `writekey/fetch`, need none. Default `''`. */
  basePath?: string | undefined
  /** Whether the page is served at `/events/write-keys`. Default true. */
  page?: boolean | undefined
  /**
   * Where the ingest endpoints are, for the page's examples and test events: from the root of the host,
   * wherever the page is mounted. Default `'/v1'`.
   */
  ingestPath?: string | undefined
  /**
   * Origins whose pages may show the page in an `iframe`, e.g. `['https://app.example.com']`; subdomains as
   * `https://*.example.com`, the page's own origin as `'self'` or, as in a policy, `"'self'"`. At most 100. Default `[]`: nobody.
   */
  frameAncestors?: readonly string[] | undefined
  /**
   * How many proxies to trust for the address in the audit log and for throttling, as in `createWriteKeys`.
   * Default: none.
   */
  trustedProxies?: TrustedProxies | undefined
  /** Called with calls that failed with 500 or 503. Default: the logger of the keys. `false`: silent. */
  logger?: Logger | false | undefined
  /** Milliseconds since the epoch; injected in tests. */
  now?: (() => number) | undefined
}

/** Options after checking. */
export interface ResolvedAdminOptions {
  tokens: readonly AdminToken[]
  authorize: Authorize | undefined
  basePath: string
  page: boolean
  ingestPath: string
  frameAncestors: readonly string[]
  clientAddress: ReturnType<typeof createClientAddress>
  logger: Logger | undefined
  now: () => number
}

/** What a policy takes as it is: nothing in it ends the list or begins another directive. */
const frameAncestor = text(
  /^(self|'self'|https?:\/\/(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[1-9]\d{0,4})?)$/,
  "an origin such as 'https://app.example.com', or 'self'",
)

const maxFrameAncestors = 100

function frameAncestors(value: unknown, option: string): readonly string[] {
  const expected = `a list of origins, at most ${maxFrameAncestors}`
  const origins = list(frameAncestor, expected)(value, option)
  if (origins.length > maxFrameAncestors) throw badOption(option, value, expected)
  return origins
}

const readers = {
  tokens: list(
    group({
      name: text(/^(?=[\s\S]*\S)[\s\S]{1,100}$/, 'a name of 1 to 100 characters'),
      token: text(
        adminTokenPattern,
        'at least 32 characters of A-Z a-z 0-9 - . _ ~ + / =, such as `openssl rand -hex 32` prints',
      ),
      role: oneOf<Role>(['admin', 'viewer']),
      workspace: workspaceOption,
    }),
    'a list of { name, token, role }',
  ),
  authorize: callback<Authorize>(),
  basePath: pathPrefix('/internal'),
  page: flag(true),
  ingestPath: pathPrefix('/v1', '/v1'),
  frameAncestors,
  trustedProxies: (value: unknown) => createClientAddress(value as TrustedProxies | undefined),
  logger: loggerOption,
  now: callback<() => number>(),
}

/** @throws ConfigError for an unknown option or a bad value, and when nothing says who may call. */
export function resolveAdminOptions(keys: object, options: AdminApiOptions = {}): ResolvedAdminOptions {
  const { trustedProxies, now = Date.now, ...read } = readOptions('createAdminApi', options, readers)
  const tokens = read.tokens.map(({ workspace, ...token }) =>
    workspace === undefined ? token : { ...token, workspace },
  )
  const { authorize } = read
  if (tokens.length === 0 && authorize === undefined) {
    throw badOption('tokens', options.tokens, 'a list with at least one token, unless authorize is given')
  }
  if (new Set(tokens.map(({ token }) => token)).size < tokens.length) {
    throw new ConfigError('tokens', 'tokens must be a list of different tokens; one is there twice.')
  }
  const logger = options.logger === undefined ? loggerOf(keys) : read.logger
  return { ...read, tokens, logger, clientAddress: trustedProxies, now }
}
