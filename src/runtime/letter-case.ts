/** `allowedOrigins` → `allowed_origins`, in types. */
export type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name

/** `allowedOrigins` → `allowed_origins`, for columns and the JSON API. */
export function toSnakeCase<Name extends string>(name: Name): SnakeCase<Name> {
  return separate(name, '_') as SnakeCase<Name>
}

/** `allowedOrigins` → `allowed-origins`, for flags. */
export function toKebabCase(name: string): string {
  return separate(name, '-')
}

/** `allowed_origins` or `allowed-origins` → `allowedOrigins`. */
export function toCamelCase(name: string): string {
  return name.replace(/[_-]([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function separate(name: string, separator: string): string {
  return name.replace(/[A-Z]/g, (letter) => separator + letter.toLowerCase())
}
