import type { AnomalyKind } from '../verifier/decision-event.ts'

/** Something unusual, from when it was first seen to when it was last. */
export interface Anomaly {
  /** The same for the same thing: kind, key and what it is about. */
  readonly id: string
  readonly kind: AnomalyKind
  readonly keyId: string
  /** Milliseconds since the epoch. */
  readonly firstAt: number
  readonly lastAt: number
  /** How often it was seen. */
  readonly count: number
  readonly origin?: string
  readonly address?: string
  readonly secretId?: string
  /** `grace_ending`: when the secret ends. `old_secret`: when it was made. Milliseconds since the epoch. */
  readonly secretAt?: number
  /** Events in the window, and what the key usually has in one; `volume_spike` and `sudden_silence`. */
  readonly observed?: number
  readonly expected?: number
}

/** When something counts as unusual. */
export interface AnomalyOptions {
  /**
   * The window in which events are counted and compared, in milliseconds. 1 000 to 86 400 000. Default 300 000.
   */
  windowMs?: number | undefined
  /** How many windows to watch a key before its volume is judged. 1 to 1 000. Default 6. */
  warmUpWindows?: number | undefined
  /** A spike has more than this many times the usual events of a window. 1 to 1 000 000. Default 4. */
  spikeFactor?: number | undefined
  /** A spike has at least this many events in a window. 1 to 1 000 000 000. Default 200. */
  spikeMinEvents?: number | undefined
  /** Silence is reported only of keys that usually send this many events in a window. 1 to 1 000 000 000. Default 20. */
  silenceMinEvents?: number | undefined
  /** How many windows without an event make a silence. 1 to 1 000. Default 3. */
  silenceWindows?: number | undefined
  /** How many refusals in a window, from one unseen origin or address, are reported. 1 to 1 000 000 000. Default 10. */
  unseenRefusals?: number | undefined
  /** How long before the end of its grace a secret in use is reported, in milliseconds. 0 to 2 592 000 000 (30 days). Default 7 200 000. */
  graceWarningMs?: number | undefined
  /** The age at which a secret in use is reported, in milliseconds. 1 to 315 360 000 000 (ten years). Default 90 days. */
  maxSecretAgeMs?: number | undefined
  /** How long an anomaly is shown after it was last seen, in milliseconds. 1 000 to 2 592 000 000 (30 days). Default 86 400 000. */
  keepMs?: number | undefined
}
