import type { Awaitable } from '../runtime/awaitable.ts'
import type { Clock } from '../runtime/clock.ts'
import type { AnomalyKind } from '../verifier/decision-event.ts'
import type { RequestDecision } from '../verifier/request-decision.ts'
import type { Anomaly, AnomalyOptions } from './anomaly.ts'
import { cutText } from './cut-text.ts'
import { createFairShares } from './fair-shares.ts'
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
const maxAnomalies = 2_000
/** Of one kind and key: a sender can make up origins, and must not get more room by it. */
const maxPerKind = 32
const maxSeen = 64
const maxTextLength = 300
const dayMs = 86_400_000
/** Traffic keeps repeating; hooks are called again only after such a pause. */
const repeatMs = 3_600_000

interface Watch {
  volume: VolumeBaseline
  origins: Set<string>
  addresses: Set<string>
  /** Refusals in the current window, by `origin ` or `address ` and its text. */
  unseen: Map<string, number>
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
  const {
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
  } = options
  const watches = new Map<string, Watch>()
  const anomalies = createFairShares<string, string, Anomaly>(maxAnomalies)
  let windowEnd = clock.now() + windowMs

  function record(decision: RequestDecision): void {
    const { keyId } = decision
    // A key that is gone is only still being sent, which every refusal says.
    if (keyId === null || decision.reason === 'revoked_key') return
    const watch = watchFor(keyId)
    const { origin, address, secret } = decision
    if (decision.sourceType === 'server' && origin !== undefined) {
      note('server_key_in_browser', keyId, { origin: cutText(origin, maxTextLength) })
    }
    if (decision.reason !== null) {
      noteUnseen(watch, 'unseen_origin', keyId, origin)
      noteUnseen(watch, 'unseen_address', keyId, address)
      return
    }
    watch.volume.add(decision.events)
    remember(watch.origins, origin)
    remember(watch.addresses, address)
    if (watch.volume.current >= spikeMinEvents) judgeSpike(keyId, watch.volume)
    if (secret === null) return
    const now = clock.now()
    if (secret.expiresAt !== null) {
      if (secret.expiresAt - now <= graceWarningMs) {
        note('grace_ending', keyId, { secretId: secret.id, secretAt: secret.expiresAt })
      }
    } else if (now - secret.createdAt > maxSecretAgeMs) {
      note('old_secret', keyId, { secretId: secret.id, secretAt: secret.createdAt })
    }
  }

  function watchFor(keyId: string): Watch {
    let watch = watches.get(keyId)
    if (watch !== undefined) return watch
    if (watches.size >= maxKeys) watches.delete(watches.keys().next().value as string)
    watch = {
      volume: createVolumeBaseline(),
      origins: new Set(),
      addresses: new Set(),
      unseen: new Map(),
    }
    watches.set(keyId, watch)
    return watch
  }

  function remember(seen: Set<string>, text: string | undefined): void {
    if (text !== undefined && text.length <= maxTextLength && seen.size < maxSeen) seen.add(text)
  }

  function judgeSpike(keyId: string, volume: VolumeBaseline): void {
    if (volume.windows < warmUpWindows || volume.current <= volume.usual * spikeFactor) return
    note('volume_spike', keyId, { observed: volume.current, expected: Math.round(volume.usual) })
  }

  function noteUnseen(
    watch: Watch,
    kind: 'unseen_origin' | 'unseen_address',
    keyId: string,
    text: string | undefined,
  ): void {
    const property = kind === 'unseen_origin' ? 'origin' : 'address'
    const seen = kind === 'unseen_origin' ? watch.origins : watch.addresses
    if (text === undefined || text.length > maxTextLength || seen.has(text) || seen.size >= maxSeen) return
    const name = `${property} ${text}`
    const count = (watch.unseen.get(name) ?? 0) + 1
    if (watch.unseen.size < maxSeen || watch.unseen.has(name)) watch.unseen.set(name, count)
    if (count >= unseenRefusals) note(kind, keyId, { [property]: text }, count)
  }

  function note(
    kind: AnomalyKind,
    keyId: string,
    about: Pick<Anomaly, 'origin' | 'address' | 'secretId' | 'secretAt' | 'observed' | 'expected'>,
    firstCount = 1,
  ): void {
    const id = [kind, keyId, about.origin ?? about.address ?? about.secretId].filter(Boolean).join(':')
    const now = clock.now()
    const known = anomalies.get(keyId, id)
    const anomaly: Anomaly = {
      id,
      kind,
      keyId,
      firstAt: known?.firstAt ?? now,
      lastAt: now,
      count: known === undefined ? firstCount : known.count + 1,
      ...about,
    }
    if (known === undefined) makeRoom(keyId, kind)
    anomalies.set(keyId, id, anomaly)
    if (known === undefined || now - known.lastAt >= repeatMs) report(anomaly)
  }

  /** The one seen least recently goes. */
  function makeRoom(keyId: string, kind: AnomalyKind): void {
    const alike = anomalies.of(keyId).filter((anomaly) => anomaly.kind === kind)
    const [oldest] = alike
    if (oldest !== undefined && alike.length >= maxPerKind) anomalies.delete(keyId, oldest.id)
  }

  function check(): void {
    const now = clock.now()
    for (const { keyId, id, lastAt } of anomalies.all())
      if (now - lastAt > keepMs) anomalies.delete(keyId, id)
    if (now < windowEnd) return
    // A process that slept closes one window, not one for every window it missed: it saw nothing of them.
    windowEnd = now + windowMs
    for (const [keyId, watch] of watches) {
      const { volume } = watch
      watch.unseen.clear()
      volume.close()
      if (
        volume.windows >= warmUpWindows &&
        volume.usual >= silenceMinEvents &&
        volume.silentWindows >= silenceWindows &&
        volume.silentWindows * windowMs <= keepMs
      ) {
        void tellSilence(keyId, Math.round(volume.usual))
      }
    }
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
    record,
    forget: (keyId) => void watches.delete(keyId),
    check,
    list: () => anomalies.all().sort((a, b) => b.lastAt - a.lastAt),
  }
}
