import { optional, text } from '../runtime/options.ts'
import { keyPrefixPattern } from './ids.ts'

/** The option `keyPrefix`. */
export const keyPrefixOption = optional(
  text(keyPrefixPattern, 'a letter followed by up to 31 letters, digits, _ or -, e.g. "acme_wk_"'),
)

/**
 * The prefix of new secrets of an environment.
 * @param keyPrefix the option; it applies to this installation's own environment
 */
export function keyPrefixFor(
  keyPrefix: string | undefined,
  ownEnvironment: string,
  environment: string,
): string {
  if (keyPrefix !== undefined && environment === ownEnvironment) return keyPrefix
  return environment === 'production' ? 'sk_live_' : 'sk_test_'
}
