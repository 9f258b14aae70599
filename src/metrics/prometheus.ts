import { flag, having, readOptions, required } from '../runtime/options.ts'
import { createBuckets } from './buckets.ts'
import { measure } from './measure.ts'
import { duration, type Metric, metrics, type Reading } from './metric.ts'

/** A series, with its own name where it is part of a histogram. */
interface Series extends Reading {
  readonly metricName?: string
}

/** What is used of prom-client's `Registry`. */
export interface PrometheusRegistry {
  /** @param metric an object with `name`, `help`, `type`, `aggregator`, `get()` and `reset()`. */
  registerMetric(metric: object): void
  removeSingleMetric(name: string): void
}

const aRegistry = 'a registry of prom-client, such as its register'

export interface PrometheusOptions {
  /** Where the metrics are registered: prom-client's `register`, or a `Registry` of its own. */
  registry: PrometheusRegistry
  /**
   * Whether requests and events have the id of the key as the label `key_id`. Up to 1 000 keys have series of their own, the others
   * share `other`. Default: false.
   */
  keyId?: boolean | undefined
}

/**
 * Measures write keys for a registry of prom-client. The numbers are read when it is scraped.
 *
 * @param keys what `createWriteKeys()` returned; one of them for each registry.
 * @returns ends the measuring, and takes the metrics out of the registry.
 * @throws ConfigError when `keys` or an option is something else; prom-client's error when the registry has a metric of
 * one of these names: then none is registered.
 * @example
 * ```ts
 * import { register } from 'prom-client'
 * prometheus(keys, { registry: register })
 * ```
 */
export function prometheus(keys: object, options: PrometheusOptions): () => void {
  const { registry, keyId } = readOptions('prometheus', options, {
    registry: required(having<PrometheusRegistry>(['registerMetric'], aRegistry), aRegistry),
    keyId: flag(false),
  })
  const measured = measure(keys)
  const buckets = createBuckets(duration.bounds)
  const names: string[] = []

  /** The registry only asks a metric for its values, so an object with `get` is enough. */
  function register(
    name: string,
    help: string,
    type: string,
    aggregator: 'sum' | 'max' | 'min',
    values: () => readonly Series[],
  ): void {
    registry.registerMetric({
      name,
      help,
      type,
      aggregator,
      async get() {
        return { ...this, values: [...values()] }
      },
      /** Counters from the start of the process cannot be reset. */
      reset() {},
    })
    names.push(name)
  }

  function unregister(): void {
    for (const each of names) registry.removeSingleMetric(each)
  }

  try {
    for (const metric of metrics) {
      const { description, kind, ofMany = 'max' } = metric
      const aggregator = kind === 'gauge' ? ofMany : 'sum'
      register(nameOf(metric), description, kind, aggregator, () => metric.read(measured, { keyId }))
    }
    const name = nameOf({ ...duration, kind: 'histogram' })
    register(name, duration.description, 'histogram', 'sum', () => buckets.read(name))
  } catch (error) {
    // Somebody who mends the name that is taken registers all of them again.
    unregister()
    throw error
  }
  if (keyId) measured.meter().byKey()
  const unlisten = measured.meter().onDuration(buckets.record)
  return () => {
    unlisten()
    unregister()
  }
}

/** @deprecated Use `prometheus(keys, { registry })`. */
export function measureWithPrometheus(keys: object, registry: PrometheusRegistry): () => void {
  return prometheus(keys, { registry })
}

const suffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' }

/** A name in the spelling that OpenTelemetry prescribes for Prometheus. */
function nameOf({ name, unit, kind }: Pick<Metric, 'name' | 'unit'> & { kind: string }): string {
  const isRatio = kind === 'gauge' && name.endsWith('.used')
  const suffix = isRatio ? '_ratio' : (suffixes[unit] ?? '')
  return `${name.replaceAll('.', '_')}${suffix}${kind === 'counter' ? '_total' : ''}`
}
