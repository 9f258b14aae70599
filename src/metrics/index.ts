export { measureWithOpenTelemetry, type ObserveBatch, type OpenTelemetryMeter } from './open-telemetry.ts'
export { measureWithPrometheus, type PrometheusRegistry } from './prometheus.ts'
