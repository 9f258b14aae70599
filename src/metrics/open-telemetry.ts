import { badOption } from '../runtime/config-error.ts'
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

/**
 * Measures write keys with a meter of OpenTelemetry. The numbers are read when they are exported.
 *
 * @param keys what `createWriteKeys()` returned.
 * @returns ends the measuring.
 * @throws ConfigError when `keys` or `meter` is something else.
 * @example
 * ```ts
 * measureWithOpenTelemetry(keys, metrics.getMeter('writekey'))
 * ```
 */
export function measureWithOpenTelemetry(keys: object, meter: OpenTelemetryMeter): () => void {
  if (typeof meter?.createObservableCounter !== 'function')
    throw badOption('meter', meter, 'a Meter of OpenTelemetry, as metrics.getMeter() gives it')
  const measured = measure(keys)
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
      for (const { value, labels } of metric.read(measured)) result.observe(observable, value, labels)
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
