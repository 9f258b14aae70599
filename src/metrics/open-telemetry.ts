import { flag, having, readOptions, required } from '../runtime/options.ts'
import { measure } from './measure.ts'
import { duration, type Metric, metrics } from './metric.ts'

/** What is used of a `Meter` of `@opentelemetry/api`. */
export interface OpenTelemetryMeter {
  createObservableCounter(name: string, options: object): object
  createObservableGauge(name: string, options: object): object
  createHistogram(
    name: string,
    options: object,
  ): { record(value: number, attributes: Record<string, string>): void }
  addBatchObservableCallback(observe: ObserveBatch, observables: object[]): void
  removeBatchObservableCallback(observe: ObserveBatch, observables: object[]): void
}

/** Reports the values of several observables when they are exported. */
export type ObserveBatch = (result: {
  observe(observable: object, value: number, attributes: Record<string, string>): void
}) => void

const aMeter = 'a Meter of OpenTelemetry, as metrics.getMeter() gives it'

export interface OpenTelemetryOptions {
  /** As `metrics.getMeter('writekey')` of `@opentelemetry/api` gives it. */
  meter: OpenTelemetryMeter
  /**
   * Whether requests and events have the id of the key as the attribute `key_id`. Up to 1 000 keys have series of their own, the
   * others share `other`. Default: false.
   */
  keyId?: boolean | undefined
}

/**
 * Measures write keys with a meter of OpenTelemetry. The numbers are read when they are exported.
 *
 * @param keys what `createWriteKeys()` returned.
 * @returns ends the measuring.
 * @throws ConfigError when `keys` or an option is something else.
 * @example
 * ```ts
 * openTelemetry(keys, { meter: metrics.getMeter('writekey') })
 * ```
 */
export function openTelemetry(keys: object, options: OpenTelemetryOptions): () => void {
  const { meter, keyId } = readOptions('openTelemetry', options, {
    meter: required(having<OpenTelemetryMeter>(['createObservableCounter'], aMeter), aMeter),
    keyId: flag(false),
  })
  const measured = measure(keys)
  if (keyId) measured.meter().byKey()
  const observables = new Map<Metric, object>()
  for (const metric of metrics) {
    const { name, unit, description } = metric
    const about = { unit, description }
    observables.set(
      metric,
      metric.kind === 'counter'
        ? meter.createObservableCounter(name, about)
        : meter.createObservableGauge(name, about),
    )
  }
  const all = [...observables.values()]
  const observe: ObserveBatch = (result) => {
    for (const [metric, observable] of observables) {
      for (const { value, labels } of metric.read(measured, { keyId }))
        result.observe(observable, value, labels)
    }
  }
  meter.addBatchObservableCallback(observe, all)
  const histogram = meter.createHistogram(duration.name, {
    unit: duration.unit,
    description: duration.description,
    advice: { explicitBucketBoundaries: [...duration.bounds] },
  })
  const unlisten = measured.meter().onDuration((seconds, isAccepted) => {
    histogram.record(seconds, { outcome: isAccepted ? 'accepted' : 'refused' })
  })
  return () => {
    meter.removeBatchObservableCallback(observe, all)
    unlisten()
  }
}

/** @deprecated Use `openTelemetry(keys, { meter })`. */
export function measureWithOpenTelemetry(keys: object, meter: OpenTelemetryMeter): () => void {
  return openTelemetry(keys, { meter })
}
