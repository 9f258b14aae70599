import type { UsageCount } from '../stores/usage-store.ts'

/** The name under which counts what rules on trial would have let through. */
export const triedPassed = 'passed'

/** What one key did in one bucket, in plain numbers: counting allocates nothing. */
export interface KeyCounter {
  /** By index of the event type. */
  readonly accepted: number[]
  /** By index of the reason; made when the first request is refused. */
  refused: number[] | undefined
  /**
   * By index of the reason, behind them what passed; made when rules on trial have judged the first event.
   */
  tried: number[] | undefined
  lastEventAt: number
  secretId: string
  secretUsedAt: number
  /** Other secrets used since the last flush: during a grace only. */
  otherSecrets: Map<string, number> | undefined
}

export function createKeyCounter(eventTypes: number): KeyCounter {
  return {
    accepted: new Array<number>(eventTypes).fill(0),
    refused: undefined,
    tried: undefined,
    lastEventAt: 0,
    secretId: '',
    secretUsedAt: 0,
    otherSecrets: undefined,
  }
}

export function markSecretUsed(counter: KeyCounter, secretId: string, at: number): void {
  if (counter.secretId !== secretId) {
    if (counter.secretId !== '') {
      counter.otherSecrets ??= new Map()
      counter.otherSecrets.set(counter.secretId, counter.secretUsedAt)
    }
    counter.secretId = secretId
    counter.secretUsedAt = counter.otherSecrets?.get(secretId) ?? 0
  }
  if (at > counter.secretUsedAt) counter.secretUsedAt = at
}

/** The numbers of one counter that are not zero. */
export function* toUsageCounts(
  keyId: string,
  bucketAt: number,
  counter: KeyCounter,
  eventTypes: readonly string[],
  reasons: readonly string[],
): Generator<UsageCount> {
  for (const [index, count] of counter.accepted.entries()) {
    if (count > 0) yield { keyId, bucketAt, kind: 'accepted', name: eventTypes[index] as string, count }
  }
  for (const [index, count] of (counter.refused ?? []).entries()) {
    if (count > 0) yield { keyId, bucketAt, kind: 'refused', name: reasons[index] as string, count }
  }
  for (const [index, count] of (counter.tried ?? []).entries()) {
    if (count > 0) yield { keyId, bucketAt, kind: 'trial', name: reasons[index] ?? triedPassed, count }
  }
}
