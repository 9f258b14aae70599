import type { MaskSecrets } from '../keys/secret-mask.ts'
import { cutMasked } from './cut-text.ts'

/** What a body is about. */
export interface EventSummary {
  readonly types: readonly string[]
  readonly names: readonly string[]
  /** Name and version of the library, as `context.library` of the first event says; null when it does not. */
  readonly library: string | null
}

const maxInspected = 20
const maxDistinct = 5
const maxNameLength = 200
const nothing: EventSummary = { types: [], names: [], library: null }

/**
 * The different types and names among the first events of a body. Own string properties only; never throws.
 * @param mask hides the key of a sender that put it in the wrong place
 */
export function summarizeEvents(
  body: unknown,
  routeType: string | null,
  batchFields: readonly string[],
  mask: MaskSecrets,
): EventSummary {
  const events = eventsOf(body, batchFields)
  if (events.length === 0) return routeType === null ? nothing : { ...nothing, types: [routeType] }
  const types: string[] = []
  const names: string[] = []
  for (let index = 0; index < events.length && index < maxInspected; index++) {
    const event = events[index]
    if (typeof event !== 'object' || event === null) continue
    add(types, ownText(event, 'type', mask) ?? routeType)
    add(names, ownText(event, 'event', mask) ?? ownText(event, 'name', mask))
  }
  return { types, names, library: libraryOf(events[0], mask) }
}

function libraryOf(event: unknown, mask: MaskSecrets): string | null {
  const library = own(own(event, 'context'), 'library')
  if (typeof library !== 'object' || library === null) return null
  const name = ownText(library, 'name', mask)
  return name === null ? null : [name, ownText(library, 'version', mask) ?? ''].join(' ').trim()
}

function own(value: unknown, property: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, property)) return undefined
  return (value as Record<string, unknown>)[property]
}

function eventsOf(body: unknown, batchFields: readonly string[]): readonly unknown[] {
  if (Array.isArray(body)) return body
  if (typeof body !== 'object' || body === null) return []
  const field = batchFields.find((name) => Object.hasOwn(body, name))
  const batch = field === undefined ? undefined : (body as Record<string, unknown>)[field]
  return Array.isArray(batch) ? batch : [body]
}

function ownText(event: object, property: string, mask: MaskSecrets): string | null {
  if (!Object.hasOwn(event, property)) return null
  const value = (event as Record<string, unknown>)[property]
  return typeof value === 'string' ? cutMasked(value, maxNameLength, mask) : null
}

function add(list: string[], text: string | null): void {
  if (text !== null && list.length < maxDistinct && !list.includes(text)) list.push(text)
}
