import { badOption } from '../runtime/config-error.ts'
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

/**
 * Measures write keys for a registry of prom-client. The numbers are read when it is scraped.
 *
 * @param keys what `createWriteKeys()` returned; one of them for each registry.
 * @returns ends the measuring, and takes the metrics out of the registry.
 * @throws ConfigError when `keys` is something else; prom-client's error when the registry has metrics of
 * these names.
 * @example
 * ```ts
 * import { register } from 'prom-client'
 * measureWithPrometheus(keys, register)
 * ```
 */
export function measureWithPrometheus(keys: object, registry: PrometheusRegistry): () => void {
  if (typeof registry?.registerMetric !== 'function')
    throw badOption('registry', registry, 'a registry of prom-client, such as its register')
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

  for (const metric of metrics) {
    const { description, kind, ofMany = 'max' } = metric
    const aggregator = kind === 'gauge' ? ofMany : 'sum'
    register(nameOf(metric), description, kind, aggregator, () => metric.read(measured))
  }
  const name = nameOf({ ...duration, kind: 'histogram' })
  register(name, duration.description, 'histogram', 'sum', () => buckets.read(name))
  const unlisten = measured.meter().onDuration(buckets.record)
  return () => {
    unlisten()
    for (const each of names) registry.removeSingleMetric(each)
  }
}

const suffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' }

/** A name in the spelling that OpenTelemetry prescribes for Prometheus. */
function nameOf({ name, unit, kind }: Pick<Metric, 'name' | 'unit'> & { kind: string }): string {
  const isRatio = kind === 'gauge' && name.endsWith('.used')
  const suffix = isRatio ? '_ratio' : (suffixes[unit] ?? '')
  return `${name.replaceAll('.', '_')}${suffix}${kind === 'counter' ? '_total' : ''}`
}
