import type { PresentedSecret } from '../../keys/secret.ts'
import type { Awaitable } from '../../runtime/awaitable.ts'
import { createCredentialReader } from '../credential-reader.ts'
import type { Presented } from '../credentials.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import type { BodyStep } from './body.ts'

export interface CredentialStep {
  /** Step 2: what is presented as the key. */
  read(visit: Visit): Awaitable<Presented>
  /** Step 3: whether it looks like a key. */
  refuseCredential(visit: Visit, presented: Presented): Refused | undefined
}

export interface CredentialStepOptions {
  /** Whether what is presented has the shape of a secret. */
  isSecret: (presented: PresentedSecret) => boolean
}

export function createCredentialStep(
  { isSecret }: CredentialStepOptions,
  bodies: BodyStep,
  { refuse }: Refusals,
): CredentialStep {
  return {
    read: createCredentialReader(bodies.receiveEarly),
    refuseCredential(visit, presented) {
      visit.presented = presented
      if (presented === undefined) {
        const { received } = visit
        return refuse(visit, received?.ok === false ? received.reason : 'missing_key')
      }
      return presented === null || !isSecret(presented) ? refuse(visit, 'malformed_key') : undefined
    },
  }
}
