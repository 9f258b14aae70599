import { ConfigError, type CredentialSource, parsePeppers, type WriteKeysOptions } from '../index.ts'
import { splitList } from '../keys/csv-list.ts'
import { parseCidr } from '../rules/ip-rule.ts'
import { usageError } from './cli-error.ts'
import type { Terminal } from './terminal.ts'

/** The options of `createWriteKeys` that have to agree with the application's, from the environment. */
export function keysOptionsFrom({ env }: Terminal): WriteKeysOptions {
  const options: WriteKeysOptions = {}
  if (env.WRITEKEY_ENVIRONMENT !== undefined) options.environment = env.WRITEKEY_ENVIRONMENT
  if (env.WRITEKEY_KEY_PREFIX !== undefined) options.keyPrefix = env.WRITEKEY_KEY_PREFIX
  if (env.WRITEKEY_PEPPER !== undefined) options.pepper = readPeppers(env.WRITEKEY_PEPPER)
  if (env.WRITEKEY_IMPORTED_KEYS !== undefined) options.importedKeys = parseShape(env.WRITEKEY_IMPORTED_KEYS)
  if (env.WRITEKEY_EVENT_TYPES !== undefined) options.eventTypes = splitList(env.WRITEKEY_EVENT_TYPES)
  if (env.WRITEKEY_CREDENTIALS !== undefined)
    options.credentials = splitList(env.WRITEKEY_CREDENTIALS).map(parsePlace)
  if (env.WRITEKEY_DEFAULT_RATE_LIMIT_EPS !== undefined)
    options.defaultRateLimitEps = Number(env.WRITEKEY_DEFAULT_RATE_LIMIT_EPS)
  if (env.WRITEKEY_EVENT_BYTES !== undefined) options.eventBytes = Number(env.WRITEKEY_EVENT_BYTES)
  if (env.WRITEKEY_PLANS !== undefined) options.plans = parsePlans(env.WRITEKEY_PLANS)
  if (env.WRITEKEY_DEFAULT_PLAN !== undefined) options.defaultPlan = env.WRITEKEY_DEFAULT_PLAN
  if (env.WRITEKEY_MAX_KEYS_PER_WORKSPACE !== undefined)
    options.maxKeysPerWorkspace = parseMaxKeys(env.WRITEKEY_MAX_KEYS_PER_WORKSPACE)
  if (env.WRITEKEY_TRUSTED_PROXIES !== undefined)
    options.trustedProxies = parseProxies(env.WRITEKEY_TRUSTED_PROXIES)
  return options
}

/** `bearer`, or `header:X-Api-Key` for `{ header: 'X-Api-Key' }`. The reader of options says what is wrong. */
export function parsePlace(text: string): CredentialSource {
  const [, kind, name] = /^(\w+):(.*)$/s.exec(text) ?? []
  return (kind === undefined ? text : { [kind]: name }) as CredentialSource
}

function readPeppers(text: string): string | (string | null)[] {
  try {
    return parsePeppers(text)
  } catch (error) {
    throw error instanceof ConfigError
      ? usageError(error.message.replace(/^pepper/, 'WRITEKEY_PEPPER'))
      : error
  }
}

function parseShape(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch {
    throw usageError('WRITEKEY_IMPORTED_KEYS must be a regular expression, e.g. ^[A-Za-z0-9]{32}$')
  }
}

/** JSON, as in the option `plans`. */
function parsePlans(text: string): NonNullable<WriteKeysOptions['plans']> {
  try {
    return JSON.parse(text)
  } catch {
    throw usageError('WRITEKEY_PLANS must be JSON, e.g. {"free":{"rateLimitEps":50,"monthlyEvents":100000}}')
  }
}

function parseMaxKeys(text: string): number {
  const most = 1_000_000
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= most) return count
  throw usageError(`WRITEKEY_MAX_KEYS_PER_WORKSPACE must be a whole number from 1 to ${most}.`)
}

function parseProxies(text: string): number | string[] {
  if (/^\d{1,2}$/.test(text)) return Number(text)
  const list = splitList(text)
  if (list.length === 0 || list.some((range) => parseCidr(range) === undefined))
    throw usageError(
      'WRITEKEY_TRUSTED_PROXIES must be the number of proxies in front, such as 1, or a list of CIDR ranges, such as 10.0.0.0/8,192.168.0.0/16.',
    )
  return list
}
