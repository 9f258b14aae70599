import { fingerprintOf, plainFingerprint, type SecretHashers } from '../keys/pepper-option.ts'
import { StoreError } from '../runtime/errors.ts'
import type { KeyStore, PollAnswer } from '../stores/key-store.ts'

export interface PepperCheckOptions {
  store: Pick<KeyStore, 'notePepper'>
  hashers: SecretHashers
  /**
   * The store holds keys made with a pepper that this process lacks. Called when that begins, or when the
   * missing peppers change.
   */
  onMissing: (error: StoreError) => void
  /** The store does not remember peppers. Called once, if this process has one. */
  onUnchecked: () => void
}

/**
 * Checks that this process has every pepper that keys of the store were made with: without one, such a key
 * looks unknown.
 */
export interface PepperCheck {
  /** Reads an answer of the store. */
  see(answer: Pick<PollAnswer, 'peppers'>): void
  /** Why a key that seems unknown may be a good one all the same. */
  missing(): StoreError | undefined
  /**
   * Before keys are made: makes the store remember what they are hashed with.
   * @param kinds `plain`: by SHA-256 alone, as imported hashes are.
   * @throws StoreError `pepper_missing` rather than make a key that no other process would accept.
   */
  claim(kinds?: readonly ('newest' | 'plain')[]): Promise<void>
  /** Claims may be lost: the store shows another history. */
  forgetClaims(): void
}

export function createPepperCheck({
  store,
  hashers,
  onMissing,
  onUnchecked,
}: PepperCheckOptions): PepperCheck {
  // Hashing needs node:crypto, which importing the package does not load.
  let own: readonly string[] | undefined
  let error: StoreError | undefined
  let toldUnchecked = false
  const claimed = new Set<string>()

  function ownFingerprints(): readonly string[] {
    own ??= hashers.map(fingerprintOf)
    return own
  }

  function usesPepper(): boolean {
    return ownFingerprints().some((fingerprint) => fingerprint !== plainFingerprint())
  }

  function see({ peppers }: Pick<PollAnswer, 'peppers'>): void {
    if (peppers === undefined) {
      if (toldUnchecked || store.notePepper !== undefined || !usesPepper()) return
      toldUnchecked = true
      onUnchecked()
      return
    }
    const lacking = peppers.filter((fingerprint) => !ownFingerprints().includes(fingerprint))
    const now = lacking.length === 0 ? undefined : pepperMissing(lacking)
    if (now?.message === error?.message) return
    error = now
    if (error !== undefined) onMissing(error)
  }

  async function claimOne(fingerprint: string): Promise<void> {
    if (store.notePepper === undefined || claimed.has(fingerprint)) return
    const peppers = await store.notePepper(fingerprint, ownFingerprints())
    see({ peppers })
    if (!peppers.includes(fingerprint)) throw error ?? notRemembered(fingerprint)
    claimed.add(fingerprint)
  }

  return {
    see,
    missing: () => error,
    async claim(kinds = ['newest']) {
      for (const kind of kinds) {
        await claimOne(kind === 'plain' ? plainFingerprint() : (ownFingerprints()[0] as string))
      }
    },
    forgetClaims: () => claimed.clear(),
  }
}

function notRemembered(fingerprint: string): StoreError {
  return new StoreError(
    'pepper_missing',
    `The store has not remembered the pepper that keys would be made with (fingerprint ${fingerprint}): notePepper must return it.`,
  )
}

function pepperMissing(lacking: readonly string[]): StoreError {
  const others = lacking.filter((fingerprint) => fingerprint !== plainFingerprint())
  const problems = [
    ...(others.length < lacking.length
      ? ['The store holds keys made without a pepper: end the list of the option pepper with null']
      : []),
    ...(others.length > 0
      ? [
          `The store holds keys made with a pepper that this process lacks (fingerprint ${others.join(', ')}): add it to the option pepper`,
        ]
      : []),
  ]
  return new StoreError('pepper_missing', `${problems.join('. ')}.`)
}
