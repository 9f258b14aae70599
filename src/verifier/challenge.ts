/**
 * The scheme that a 401 names in `WWW-Authenticate`. `basic` is HTTP Basic, which command-line clients know, but
 * browsers open a login box for it. `custom` is a scheme of our own, which opens none. `auto` answers a request
 * with an `Origin` by the second, any other by the first.
 */
export type ChallengePolicy = 'auto' | 'basic' | 'custom'

const basicChallenge = 'Basic realm="events", charset="UTF-8"'
const customChallenge = 'WriteKey realm="events"'

/** The value of `WWW-Authenticate`. */
export function challengeFor(policy: ChallengePolicy, fromBrowser: boolean): string {
  if (policy === 'auto') return fromBrowser ? customChallenge : basicChallenge
  return policy === 'basic' ? basicChallenge : customChallenge
}
