import type { Awaitable } from '../runtime/awaitable.ts'
import type { Clock } from '../runtime/clock.ts'
import type { RequestDecision } from '../verifier/request-decision.ts'
import type { Anomaly, AnomalyOptions } from './anomaly.ts'
import { createAnomalyList } from './anomaly-list.ts'
import { cutText } from './cut-text.ts'
import { createKnownSenders, type KnownSenders, maxSenderLength } from './known-senders.ts'
import { createVolumeBaseline, type VolumeBaseline } from './volume-baseline.ts'

export interface AnomalyDetector {
  /** Records one decision in constant time. Judges only what needs no comparison with other times. */
  record(decision: RequestDecision): void
  /** Forgets what was watched of a key that nobody can use any more. */
  forget(keyId: string): void
  /** Closes windows and judges volume. Called by a timer, off the request path. */
  check(): void
  /** What is unusual, latest first. */
  list(): Anomaly[]
}

/** Most keys that are watched. The one watched longest makes room. */
const maxKeys = 10_000
const dayMs = 86_400_000

interface Watch {
  readonly volume: VolumeBaseline
  readonly senders: KnownSenders
}

export interface AnomalySurroundings {
  clock: Pick<Clock, 'now'>
  /** Called when an anomaly begins. */
  report: (anomaly: Anomaly) => void
  /**
   * Whether a key may still be used and no other process has accepted an event of it for `silentMs`. Silence
   * of a revoked key is expected. Called before a silence is reported.
   */
  isSilent: (keyId: string, silentMs: number) => Awaitable<boolean | 'gone'>
}

/** Watches the traffic of this process in bounded memory. */
export function createAnomalyDetector(
  { clock, report, isSilent }: AnomalySurroundings,
  options: AnomalyOptions = {},
): AnomalyDetector {
  const thresholds = toThresholds(options)
  const { windowMs, silenceWindows, keepMs } = thresholds
  const watches = new Map<string, Watch>()
  const anomalies = createAnomalyList(clock, report)
  const { note } = anomalies
  let windowEnd = clock.now() + windowMs

  function watchFor(keyId: string): Watch {
    let watch = watches.get(keyId)
    if (watch !== undefined) return watch
    if (watches.size >= maxKeys) watches.delete(watches.keys().next().value as string)
    watch = { volume: createVolumeBaseline(), senders: createKnownSenders() }
    watches.set(keyId, watch)
    return watch
  }

  function noteUnseen(
    { senders }: Watch,
    keyId: string,
    property: 'origin' | 'address',
    text: string | undefined,
  ): void {
    const count = senders.countUnseen(property, text)
    if (count >= thresholds.unseenRefusals) note(`unseen_${property}`, keyId, { [property]: text }, count)
  }

  function recordAccepted({ volume, senders }: Watch, keyId: string, decision: RequestDecision): void {
    volume.add(decision.events)
    senders.remember(decision.origin, decision.address)
    if (isSpike(volume, thresholds))
      note('volume_spike', keyId, { observed: volume.current, expected: Math.round(volume.usual) })
    const { secret } = decision
    const aged = secret === null ? undefined : judgeAge(secret, clock.now(), thresholds)
    if (aged !== undefined) note(aged.kind, keyId, { secretId: aged.id, secretAt: aged.at })
  }

  async function tellSilence(keyId: string, expected: number): Promise<void> {
    try {
      const silent = await isSilent(keyId, silenceWindows * windowMs)
      if (silent === true) note('sudden_silence', keyId, { observed: 0, expected })
      else if (silent === 'gone') watches.delete(keyId)
    } catch {
      // The store does not answer; it is asked again when the next window closes.
    }
  }

  return {
    record(decision) {
      const { keyId, origin } = decision
      // A key that is gone is only still being sent, which every refusal says.
      if (keyId === null || decision.reason === 'revoked_key') return
      const watch = watchFor(keyId)
      if (decision.sourceType === 'server' && origin !== undefined)
        note('server_key_in_browser', keyId, { origin: cutText(origin, maxSenderLength) })
      if (decision.reason === null) return recordAccepted(watch, keyId, decision)
      noteUnseen(watch, keyId, 'origin', origin)
      noteUnseen(watch, keyId, 'address', decision.address)
    },
    forget: (keyId) => void watches.delete(keyId),
    check() {
      anomalies.prune(keepMs)
      const now = clock.now()
      if (now < windowEnd) return
      // A process that slept closes one window, not one for every window it missed: it saw nothing of them.
      windowEnd = now + windowMs
      for (const [keyId, { volume, senders }] of watches) {
        senders.closeWindow()
        volume.close()
        if (isSilence(volume, thresholds)) void tellSilence(keyId, Math.round(volume.usual))
      }
    },
    list: anomalies.all,
  }
}

/** The option readers leave `undefined` where nothing was given. */
function toThresholds({
  windowMs = 300_000,
  warmUpWindows = 6,
  spikeFactor = 4,
  spikeMinEvents = 200,
  silenceMinEvents = 20,
  silenceWindows = 3,
  unseenRefusals = 10,
  graceWarningMs = 7_200_000,
  maxSecretAgeMs = 90 * dayMs,
  keepMs = dayMs,
}: AnomalyOptions): Required<AnomalyOptions> {
  return {
    windowMs,
    warmUpWindows,
    spikeFactor,
    spikeMinEvents,
    silenceMinEvents,
    silenceWindows,
    unseenRefusals,
    graceWarningMs,
    maxSecretAgeMs,
    keepMs,
  }
}

/** What is to be said about the age of the secret that was used. */
function judgeAge(
  { id, createdAt, expiresAt }: NonNullable<RequestDecision['secret']>,
  now: number,
  { graceWarningMs, maxSecretAgeMs }: Required<AnomalyOptions>,
): { kind: 'grace_ending' | 'old_secret'; id: string; at: number } | undefined {
  if (expiresAt !== null)
    return expiresAt - now <= graceWarningMs ? { kind: 'grace_ending', id, at: expiresAt } : undefined
  return now - createdAt > maxSecretAgeMs ? { kind: 'old_secret', id, at: createdAt } : undefined
}

function isSpike(
  { current, windows, usual }: VolumeBaseline,
  { warmUpWindows, spikeMinEvents, spikeFactor }: Required<AnomalyOptions>,
): boolean {
  return current >= spikeMinEvents && windows >= warmUpWindows && current > usual * spikeFactor
}

function isSilence(
  { windows, usual, silentWindows }: VolumeBaseline,
  { windowMs, warmUpWindows, silenceMinEvents, silenceWindows, keepMs }: Required<AnomalyOptions>,
): boolean {
  return (
    windows >= warmUpWindows &&
    usual >= silenceMinEvents &&
    silentWindows >= silenceWindows &&
    silentWindows * windowMs <= keepMs
  )
}
