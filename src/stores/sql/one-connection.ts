import { ConfigError } from '../../runtime/config-error.ts'

/** The options that lead to a database, and why each would be undefined. */
const connections = {
  url: 'is its environment variable set?',
  pool: 'it must be a pool of pg or mysql2, made before the store.',
  db: 'it must be a Kysely instance, made before the store.',
}

/** @throws ConfigError unless exactly one of the options that lead to a database was given. */
export function assertOneConnection(
  options: object,
  read: { [Name in keyof typeof connections]: unknown },
): void {
  const names = Object.keys(connections) as (keyof typeof connections)[]
  const given = names.filter((name) => read[name] !== undefined)
  if (given.length === 1) return
  const lost = given.length === 0 ? names.find((name) => name in options) : undefined
  if (lost !== undefined) throw new ConfigError(lost, `${lost} is undefined: ${connections[lost]}`)
  throw new ConfigError(
    given[0] ?? 'url',
    `createSqlStore takes one of url, pool and db; received ${given.join(' and ') || 'none of them'}.`,
  )
}
