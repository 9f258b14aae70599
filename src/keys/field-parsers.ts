import { isPlainObject } from '../http/plain-object.ts'
import { describeValue } from '../runtime/config-error.ts'
import { invalidField, KeyError } from '../runtime/errors.ts'
import {
  environmentCharacters,
  environmentPattern,
  planCharacters,
  planPattern,
  workspaceCharacters,
  workspacePattern,
} from './ids.ts'
import { type SourceType, sourceTypes } from './source-type.ts'

/**
 * The lowest rate, one event in 17 minutes. Below it the advertised window would be hours, and in the end
 * infinite.
 */
export const minRateLimitEps = 0.001
/** Greatest rate a key may have, events per second. */
export const maxRateLimitEps = 1_000_000
/** Longest name of a key, in characters. */
export const maxNameLength = 100

/** Whether the value can be a rate: a number from 0.001 to 1 000 000. */
function isEps(value: unknown): value is number {
  return typeof value === 'number' && value >= minRateLimitEps && value <= maxRateLimitEps
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** What is drawn as nothing, or as a blank. */
const unseen = /[\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}]/gu

export function parseName(value: unknown): string {
  if (typeof value !== 'string')
    throw invalidField('name', `must be a string of 1 to ${maxNameLength} characters`)
  const length = [...value].length
  if (value.trim() === '' || length > maxNameLength)
    throw invalidField('name', `must have 1 to ${maxNameLength} characters`)
  if (controlCharacters.test(value))
    throw invalidField('name', 'must not contain control characters or line breaks')
  if (value.replace(unseen, '') === '')
    throw invalidField('name', 'must have a character that people can see')
  if (!value.isWellFormed()) throw invalidField('name', 'must be well-formed Unicode')
  return value
}

export function parseSourceType(value: unknown): SourceType {
  if ((sourceTypes as readonly unknown[]).includes(value)) return value as SourceType
  throw invalidField('sourceType', `must be one of ${sourceTypes.join(', ')}`)
}

export function parseEnvironment(value: unknown): string {
  if (typeof value === 'string' && environmentPattern.test(value)) return value
  throw invalidField('environment', `must be ${environmentCharacters}`)
}

/** Never called with `undefined`: in a filter or a principal that must not come to mean "all". */
export function parseWorkspace(value: unknown): string | null {
  if (value === null || (typeof value === 'string' && workspacePattern.test(value))) return value
  throw invalidField('workspace', `must be ${workspaceCharacters}, or null for none`)
}

export function parsePlan(value: unknown): string | null {
  if (value === null || (typeof value === 'string' && planPattern.test(value))) return value
  throw invalidField('plan', `must be ${planCharacters}, or null for the default`)
}

export function parseEps(value: unknown, _now?: number, field = 'rateLimitEps'): number | null {
  if (value === null || isEps(value)) return value
  throw invalidField(
    field,
    `must be a number of events per second from ${minRateLimitEps} to ${maxRateLimitEps}, or null for the default`,
  )
}

export function parseExpiresAt(value: unknown, now: number): number | null {
  if (value === null) return null
  const at = toEpochMs(value)
  if (at === undefined) {
    throw invalidField(
      'expiresAt',
      'must be a Date, milliseconds since the epoch, an ISO 8601 text with a zone, or null',
    )
  }
  if (at <= now) throw invalidField('expiresAt', 'must lie in the future; revoke the key to end it now')
  return at
}

const isoPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/
/** The last moment a Date can hold. */
const maxEpochMs = 8_640_000_000_000_000

function toEpochMs(value: unknown): number | undefined {
  const ms =
    value instanceof Date
      ? value.getTime()
      : typeof value === 'number'
        ? value
        : typeof value === 'string' && isoPattern.test(value)
          ? Date.parse(value)
          : Number.NaN
  return Number.isFinite(ms) && Math.abs(ms) <= maxEpochMs ? Math.trunc(ms) : undefined
}

/** What JSON would make null, leave out or make `{}` of, without a word. JSON.parse makes a number of 1e999 that it cannot hold. */
function refuseLost(_name: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw invalidField(
      'metadata',
      'must not contain numbers that JSON cannot hold: NaN, or one beyond 1.8e308',
    )
  const isLost = typeof value === 'function' || typeof value === 'symbol' || isOpaque(value)
  if (isLost) throw invalidField('metadata', `${metadataProblem}; it contains ${describeValue(value)}`)
  return value
}

/** A promise, a `Map`, an instance of a class without fields: JSON has nothing of them. */
function isOpaque(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isPlainObject(value))
    return false
  return Object.getPrototypeOf(value) !== null && Object.keys(value).length === 0
}

const metadataProblem = 'must be an object that survives JSON, at most 4096 bytes of it, or null'

export function parseMetadata(value: unknown): Readonly<Record<string, unknown>> | null {
  if (value === null) return null
  const problem = metadataProblem
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidField('metadata', problem)
  let text: string | undefined
  try {
    text = JSON.stringify(value, refuseLost)
  } catch (error) {
    throw error instanceof KeyError ? error : invalidField('metadata', problem)
  }
  if (text === undefined || Buffer.byteLength(text) > 4096 || text.includes('"__proto__"')) {
    throw invalidField('metadata', problem)
  }
  // PostgreSQL cannot store NUL in a text, and a key must be storable in every store.
  if (text.includes('\\u0000')) throw invalidField('metadata', 'must not contain NUL characters')
  const copy: unknown = JSON.parse(text)
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy))
    throw invalidField('metadata', problem)
  return copy as Record<string, unknown>
}
