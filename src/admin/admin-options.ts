import { adminTokenPattern } from '../keys/ids.ts'
import { createClientAddress, type TrustedProxies } from '../rules/client-address.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { Logger } from '../verifier/event-hook.ts'
import { assertKnownOptions } from '../write-keys-options.ts'

/** What a caller may do: a viewer reads, an admin also changes. */
export type Role = 'admin' | 'viewer'

/** A credential of the management API. */
export interface AdminToken {
  /** Who this is, for the audit log. 1 to 100 characters. */
  name: string
  /** At least 32 characters of `A-Z a-z 0-9 - . _ ~ + / =`, e.g. from `openssl rand -hex 32`. Only its hash is kept. */
  token: string
  role: Role
}

/** Whom a request comes from. */
export interface Principal {
  /** For the audit log; never a credential. */
  name: string
  role: Role
}

/** What is known about a request beyond the request itself. */
export interface RequestInfo {
  /** The socket's address, not a forwarded one. */
  address?: string | undefined
}

/**
 * The application's own access control: answers who the request comes from, or null to refuse it with 401. Called for
 * each request that no token admits. What it throws refuses the request with 500.
 */
export type Authorize = (request: Request, info: RequestInfo) => Principal | null | Promise<Principal | null>

/** Options of `createAdminApi`. At least one of `tokens` and `authorize` is needed. */
export interface AdminApiOptions {
  /** Credentials for `Authorization: Bearer`; several at once allow moving from one to the next. */
  tokens?: readonly AdminToken[]
  authorize?: Authorize
  /** Put before every path, e.g. `/internal`; mount points of a framework need none. Default `''`. */
  basePath?: string
  /** Whether the page is served at `/events/write-keys`. Default true. */
  page?: boolean
  /** Where the ingest endpoints are, for the examples and test events of the page. Default `'/v1'`. */
  ingestPath?: string
  /** How many proxies to trust for the address in the audit log and for throttling, as in `createWriteKeys`. Default: none. */
  trustedProxies?: TrustedProxies
  /** Told of calls that failed with 500 or 503. Default: silent. */
  logger?: Logger
  /** Milliseconds since the epoch; injected in tests. */
  now?: () => number
}

/** Options after checking. */
export interface ResolvedAdminOptions {
  tokens: readonly AdminToken[]
  authorize: Authorize | undefined
  basePath: string
  page: boolean
  ingestPath: string
  clientAddress: ReturnType<typeof createClientAddress>
  logger: Logger | undefined
  now: () => number
}

const optionNames: readonly (keyof AdminApiOptions)[] = [
  'tokens',
  'authorize',
  'basePath',
  'page',
  'ingestPath',
  'trustedProxies',
  'logger',
  'now',
]
const roles: readonly Role[] = ['admin', 'viewer']
const pathPattern = /^(\/[A-Za-z0-9._~-]+)*$/

/** @throws ConfigError for an unknown option or a bad value, and when nothing says who may call. */
export function resolveAdminOptions(options: AdminApiOptions): ResolvedAdminOptions {
  assertKnownOptions('createAdminApi options', options, optionNames)
  const {
    tokens = [],
    authorize,
    basePath = '',
    page = true,
    ingestPath = '/v1',
    logger,
    now = Date.now,
  } = options
  if (authorize !== undefined && typeof authorize !== 'function')
    throw new ConfigError('authorize', authorize, 'a function')
  if (!Array.isArray(tokens)) throw new ConfigError('tokens', tokens, 'a list of { name, token, role }')
  if (tokens.length === 0 && authorize === undefined) {
    throw new ConfigError('tokens', tokens, 'a list with at least one token, unless authorize is given')
  }
  tokens.forEach(assertToken)
  if (new Set(tokens.map(({ token }) => token)).size < tokens.length)
    throw new ConfigError('tokens', tokens, 'a list of different tokens')
  if (typeof basePath !== 'string' || !pathPattern.test(basePath))
    throw new ConfigError(
      'basePath',
      basePath,
      "'' or a path such as '/internal', without a slash at its end",
    )
  if (typeof page !== 'boolean') throw new ConfigError('page', page, 'true or false')
  if (typeof ingestPath !== 'string' || !pathPattern.test(ingestPath))
    throw new ConfigError('ingestPath', ingestPath, "'' or a path such as '/v1', without a slash at its end")
  return {
    tokens: tokens.map(({ name, token, role }: AdminToken) => ({ name, token, role })),
    authorize,
    basePath,
    page,
    ingestPath,
    clientAddress: createClientAddress(options.trustedProxies),
    logger,
    now,
  }
}

function assertToken(entry: unknown, index: number): void {
  const option = `tokens[${index}]`
  assertKnownOptions(option, entry, ['name', 'token', 'role'])
  const { name, token, role } = entry as Partial<AdminToken>
  if (typeof name !== 'string' || name.trim() === '' || name.length > 100)
    throw new ConfigError(`${option}.name`, name, 'a name of 1 to 100 characters')
  if (!roles.includes(role as Role)) throw new ConfigError(`${option}.role`, role, "'admin' or 'viewer'")
  if (typeof token !== 'string' || !adminTokenPattern.test(token)) {
    throw new ConfigError(
      `${option}.token`,
      token,
      'at least 32 characters of A-Z a-z 0-9 - . _ ~ + / =, such as `openssl rand -hex 32` prints',
    )
  }
}
