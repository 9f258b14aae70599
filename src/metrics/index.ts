export {
  measureWithOpenTelemetry,
  type ObserveBatch,
  type OpenTelemetryMeter,
  type OpenTelemetryOptions,
  openTelemetry,
} from './open-telemetry.ts'
export {
  measureWithPrometheus,
  type PrometheusOptions,
  type PrometheusRegistry,
  prometheus,
} from './prometheus.ts'
