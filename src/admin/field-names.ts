/** Fields whose spelling differs between the TypeScript and the JSON API, by their TypeScript name. */
const fieldNames = [
  'sourceType',
  'rateLimitEps',
  'allowedEventTypes',
  'allowedEventNames',
  'deniedEventNames',
  'allowedOrigins',
  'allowedIps',
  'deniedIps',
  'expiresAt',
  'gracePeriodHours',
  'secretId',
  'keyId',
  'nextCursor',
]

const anyFieldName = new RegExp(`\\b(${fieldNames.join('|')})\\b`, 'g')

/** `allowedOrigins` → `allowed_origins`. */
export function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A message of ours with its field names in the spelling of the JSON API. */
export function withSnakeCaseFields(message: string): string {
  return message.replace(anyFieldName, toSnakeCase)
}

/** Keys of an object in the spelling of the JSON API; values as they are. */
export function snakeCaseKeys(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [toSnakeCase(name), value]))
}

/** `allowed_origins` → `allowedOrigins`. */
export function toCamelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Own keys of a validated body in the spelling of the TypeScript API. */
export function camelCaseKeys(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [toCamelCase(name), value]))
}
