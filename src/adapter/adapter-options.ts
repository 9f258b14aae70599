import { ConfigError, unknownOption } from '../runtime/errors.ts'
import type { VerifyingKeys } from './request-context.ts'

/** Options that every adapter has. */
export interface AdapterOptions<OnRefused> {
  /** The type of every event on this route, for routes whose path does not say it. */
  eventType?: string
  /** Called before a refusal is written; may be async. When it has answered the request itself, nothing more is written. A throw is ignored. */
  onRefused?: OnRefused
  /** Where handlers find the key and the events. Default `'writeKey'`. */
  requestProperty?: string
}

const optionNames = ['eventType', 'onRefused', 'requestProperty']

/** What an adapter uses of its options. */
export interface ResolvedAdapterOptions<OnRefused> {
  eventType: string | undefined
  onRefused: OnRefused | undefined
  requestProperty: string
}

/**
 * Checks what an adapter was given, and fills in what was left out.
 * @param ownNames options that this adapter alone has, and checks itself
 * @throws ConfigError for something that is not the result of `createWriteKeys`, an unknown option or a bad value.
 */
export function resolveAdapterOptions<OnRefused>(
  keys: VerifyingKeys,
  options: AdapterOptions<OnRefused>,
  ownNames: readonly string[] = [],
): ResolvedAdapterOptions<OnRefused> {
  if (typeof keys?.verify !== 'function' || typeof keys.preflight !== 'function') {
    throw new ConfigError('keys', keys, 'what createWriteKeys() returned')
  }
  if (typeof options !== 'object' || options === null) throw new ConfigError('options', options, 'an object')
  const known = [...ownNames, ...optionNames]
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownOption('options', name, known)
  }
  const { eventType, onRefused, requestProperty = 'writeKey' } = options
  if (eventType !== undefined && (typeof eventType !== 'string' || eventType === '')) {
    throw new ConfigError('eventType', eventType, "an event type such as 'track'")
  }
  if (onRefused !== undefined && typeof onRefused !== 'function')
    throw new ConfigError('onRefused', onRefused, 'a function')
  if (typeof requestProperty !== 'string' || requestProperty === '') {
    throw new ConfigError('requestProperty', requestProperty, 'the name of a property')
  }
  return { eventType, onRefused, requestProperty }
}

/** Calls an application's `onRefused`; whatever goes wrong in it, the refusal is still written. */
export async function tellRefused(call: () => unknown): Promise<void> {
  try {
    await call()
  } catch {
    // The hook belongs to the application; its faults are not the sender's.
  }
}
