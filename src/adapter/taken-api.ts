import { ConfigError, describeValue } from '../runtime/config-error.ts'

/** @throws ConfigError for what is no management API, such as the write keys themselves. */
export function assertAdminApi(api: unknown): void {
  assertApi(api, ['fetch', 'handles'], 'adminRoutes takes createAdminApi(keys, …)')
}

/** @throws ConfigError for what is no ingest API, such as the write keys themselves. */
export function assertIngestApi(api: unknown): void {
  assertApi(api, ['find', 'answer'], 'ingestRoutes takes createIngestApi(keys, …)')
}

function assertApi(api: unknown, methods: readonly string[], rule: string): void {
  if (hasAll(api, methods)) return
  throw new ConfigError('api', `${rule}; received ${describeApi(api)}.`)
}

function describeApi(api: unknown): string {
  if (hasAll(api, ['verify', 'preflight'])) return 'write keys'
  if (hasAll(api, ['find', 'answer'])) return 'an ingest API'
  if (hasAll(api, ['fetch', 'handles'])) return 'a management API'
  return describeValue(api)
}

function hasAll(api: unknown, methods: readonly string[]): boolean {
  return methods.every((name) => typeof (api as Record<string, unknown> | null)?.[name] === 'function')
}
