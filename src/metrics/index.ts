export { measureWithOpenTelemetry } from './open-telemetry.ts'
export { measureWithPrometheus } from './prometheus.ts'
