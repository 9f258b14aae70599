import { flag, group, number, type OptionReader, optional, text, whole } from '../runtime/options.ts'
import type { ActivityOptions } from './activity.ts'
import type { AnomalyOptions } from './anomaly.ts'

const thresholds = group({
  windowMs: optional(number(1_000, 86_400_000)),
  warmUpWindows: optional(number(1, 1_000)),
  spikeFactor: optional(number(1, 1_000_000)),
  spikeMinEvents: optional(number(1, 1_000_000_000)),
  silenceMinEvents: optional(number(1, 1_000_000_000)),
  silenceWindows: optional(number(1, 1_000)),
  unseenRefusals: optional(number(1, 1_000_000_000)),
  graceWarningMs: optional(number(0, 2_592_000_000)),
  maxSecretAgeMs: optional(number(1, 315_360_000_000)),
  keepMs: optional(number(1_000, 2_592_000_000)),
} satisfies Record<keyof AnomalyOptions, OptionReader<number | undefined>>)

/** The option `activity`. */
export const activityOption: OptionReader<ActivityOptions | false | undefined> = optional(
  orFalse(
    group({
      size: whole(1, 100_000, 1_000),
      keepPayloads: flag(false),
      keepHeaders: flag(false),
      processName: optional(text(/^(?=[\s\S]*\S)[\x20-\x7e]{1,80}$/, '1 to 80 visible ASCII characters')),
      anomalies: (value: unknown, option: string) => (value === false ? value : thresholds(value, option)),
    }),
  ),
)

function orFalse<T>(read: OptionReader<T>): OptionReader<T | false> {
  return (value, option) => (value === false ? value : read(value, option))
}
