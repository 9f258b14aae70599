import { badOption } from '../runtime/config-error.ts'
import { anything, callback, optional, readOptions, text } from '../runtime/options.ts'
import type { VerifyingKeys } from './request-context.ts'

/** Options that every adapter has. */
export interface AdapterOptions<OnRefused> {
  /** The type of every event on this route, for routes whose path does not say it; `'batch'`: each event says its own. */
  eventType?: string
  /** Called before a refusal is written; may be async. When it has answered the request itself, nothing more is written. A throw is ignored. */
  onRefused?: OnRefused
  /** Where handlers find the key and the events. Default `'writeKey'`. */
  requestProperty?: string
}

/** What an adapter uses of its options. */
export interface ResolvedAdapterOptions<OnRefused> {
  eventType: string | undefined
  onRefused: OnRefused | undefined
  requestProperty: string
}

/**
 * Checks what an adapter was given, and fills in what was left out.
 * @param ownNames options that this adapter alone has, and checks itself
 * @param owner whose options they are, for messages
 * @throws ConfigError for something that is not the result of `createWriteKeys`, an unknown option or a bad value.
 */
export function resolveAdapterOptions<OnRefused>(
  keys: VerifyingKeys,
  options: AdapterOptions<OnRefused>,
  ownNames: readonly string[] = [],
  owner = 'writeKeyAuth',
): ResolvedAdapterOptions<OnRefused> {
  if (typeof keys?.verify !== 'function' || typeof keys.preflight !== 'function') {
    throw badOption('keys', keys, 'what createWriteKeys() returned')
  }
  const own = Object.fromEntries(ownNames.map((name) => [name, anything()]))
  const { eventType, onRefused, requestProperty } = readOptions(owner, options, { ...own, ...readers })
  return { eventType, onRefused: onRefused as OnRefused | undefined, requestProperty }
}

const readers = {
  eventType: optional(text(/[\s\S]/, "an event type such as 'track'")),
  onRefused: callback(),
  requestProperty: text(/[\s\S]/, 'the name of a property', 'writeKey'),
}

/** Calls an application's `onRefused`; whatever goes wrong in it, the refusal is still written. */
export async function tellRefused(call: () => unknown): Promise<void> {
  try {
    await call()
  } catch {
    // The hook belongs to the application; its faults are not the sender's.
  }
}
