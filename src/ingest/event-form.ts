import type { BodyForm } from '../http/ingest-request.ts'
import { isPlainObject } from '../http/plain-object.ts'

type Convert = (event: Readonly<Record<string, unknown>>) => unknown

/**
 * The format of a sender whose events have no type. One that a sender adds would say by which rule, and by
 * which name, an event is judged, while its API goes by `name` alone.
 */
export function createUntypedForm(batchField: string): BodyForm {
  return createEventForm(batchField, (event) => {
    if (!Object.hasOwn(event, 'type')) return event
    const { type: _, ...rest } = event
    return rest
  })
}

/**
 * The format of an SDK whose calls for pages and screens take properties only: what it says in
 * `properties.name` is the name.
 *
 * @param isPage whether an event is of a page or screen
 */
export function createPageForm(batchField: string, isPage: (type: unknown) => boolean): BodyForm {
  return createEventForm(batchField, (event) => {
    const type = Object.hasOwn(event, 'type') ? event.type : undefined
    const properties = Object.hasOwn(event, 'properties') ? event.properties : undefined
    const isNamed = isPlainObject(properties) && Object.hasOwn(properties, 'name')
    if (!isNamed || Object.hasOwn(event, 'name') || !isPage(type)) return event
    return { ...event, name: properties.name }
  })
}

/** Converts each event of a body: a list, a batch, or the one event that it is. */
function createEventForm(batchField: string, convert: Convert): BodyForm {
  const convertEvent = (event: unknown) => (isPlainObject(event) ? convert(event) : event)
  return {
    shape(value) {
      if (Array.isArray(value)) return value.map(convertEvent)
      if (!isPlainObject(value) || !Object.hasOwn(value, batchField)) return convertEvent(value)
      const events = value[batchField]
      return Array.isArray(events) ? { ...value, [batchField]: events.map(convertEvent) } : value
    },
  }
}
