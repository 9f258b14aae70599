import { isPlainObject } from '../http/plain-object.ts'

/**
 * Where a body keeps its events; undefined when the body is one itself, or a list; `null` when there is more
 * than one such place.
 */
export function batchFieldOf(body: unknown, batchFields: readonly string[]): string | null | undefined {
  if (!isPlainObject(body)) return undefined
  let found: string | undefined
  for (const field of batchFields) {
    if (!Object.hasOwn(body, field)) continue
    if (found !== undefined) return null
    found = field
  }
  return found
}

/** The events of a body; undefined when it has none, or could be read in two ways. */
export function findEvents(body: unknown, batchField: string | undefined): unknown[] | undefined {
  if (Array.isArray(body)) return body.length > 0 ? body : undefined
  if (!isPlainObject(body)) return undefined
  if (batchField === undefined) return [body]
  if (Object.hasOwn(body, '__proto__') || isEventBesideBatch(body)) return undefined
  const batch = body[batchField]
  return Array.isArray(batch) && batch.length > 0 ? batch : undefined
}

/**
 * A handler that reads the root as an event would get an unchecked one. `batch` is not a type that an event
 * can have.
 */
function isEventBesideBatch(body: Record<string, unknown>): boolean {
  if (Object.hasOwn(body, 'type') && body.type !== 'batch') return true
  return Object.hasOwn(body, 'event') || Object.hasOwn(body, 'name')
}
