import type { BodyForm } from '../http/ingest-request.ts'
import { isPlainObject } from '../http/plain-object.ts'

/**
 * The format of a sender whose events have no type. One that a sender adds would say by which rule, and by
 * which name, an event is judged, while its API goes by `name` alone.
 */
export function createUntypedForm(batchField: string): BodyForm {
  return {
    shape(value) {
      if (Array.isArray(value)) return value.map(withoutType)
      if (!isPlainObject(value) || !Object.hasOwn(value, batchField)) return withoutType(value)
      const events = value[batchField]
      return Array.isArray(events) ? { ...value, [batchField]: events.map(withoutType) } : value
    },
  }
}

function withoutType(event: unknown): unknown {
  if (!isPlainObject(event) || !Object.hasOwn(event, 'type')) return event
  const { type: _, ...rest } = event
  return rest
}
