import { namedBy } from '../rules/event-rule.ts'
import { badOption, ConfigError } from '../runtime/config-error.ts'
import { givenFields } from '../runtime/given-fields.ts'
import type { OptionReader } from '../runtime/options.ts'
import { echoType, type IngestEvent, type RejectedEvent } from '../verifier/events.ts'
import type { SchemaIssue, StandardSchema } from './standard-schema.ts'

/**
 * Schemas by the name of the event: `event` of a track call, `name` of a page or screen call and of an
 * Inngest event.
 */
export type EventSchemas = Readonly<Record<string, StandardSchema>>

export interface SchemaChecked {
  /** Events that fit, with the output of their schema. */
  readonly events: IngestEvent[]
  /** Events that do not fit. `index` counts the events that were handed in. */
  readonly rejected: readonly RejectedEvent[]
}

/**
 * Checks events against the schemas for their names. Names without a schema pass.
 * @param carriedIn the property that is checked
 * @param mayStop whether to stop at the first event that does not fit
 */
export type CheckSchemas = (
  events: readonly IngestEvent[],
  carriedIn: string,
  mayStop: boolean,
) => Promise<SchemaChecked>

type Validator = StandardSchema['~standard']

/** How many validators run at a time: one may ask a database. */
const checkedAtOnce = 50
const maxDepth = 8
/** What may be shown of a path. No secret of ours is that short, and nothing in it can be markup. */
const namedSegment = /^[\w $-]{1,32}$/

export function createSchemaCheck(schemas: EventSchemas): CheckSchemas {
  const validators = new Map(Object.entries(schemas).map(([name, schema]) => [name, schema['~standard']]))

  /** Or the property with a name that is no text. */
  function validatorsOf(event: IngestEvent): Validator[] | string {
    const property = namedBy(ownText(event, 'type') ?? null)
    if (property === 'none') return []
    const properties = property === 'either' ? ['event', 'name'] : [property]
    // Handlers may make a text of it, and so the name of another event.
    const noText = properties.find((one) => hasNameThatIsNoText(event, one))
    if (noText !== undefined) return noText
    const names = properties.flatMap((one) => ownText(event, one) ?? [])
    return names.flatMap((name) => validators.get(name) ?? [])
  }

  /** The event to hand on, or the field that does not fit. */
  async function check(event: IngestEvent, carriedIn: string): Promise<IngestEvent | string> {
    const found = validatorsOf(event)
    if (typeof found === 'string') return found
    if (found.length === 0) return event
    let carried = Object.hasOwn(event, carriedIn) ? event[carriedIn] : {}
    for (const validator of found) {
      const result = await validator.validate(carried)
      if (result.issues !== undefined) return nameField(carriedIn, result.issues[0])
      carried = result.value
    }
    return { ...event, [carriedIn]: carried }
  }

  return async function checkSchemas(given, carriedIn, mayStop) {
    const events: IngestEvent[] = []
    const rejected: RejectedEvent[] = []
    for (let start = 0; start < given.length; start += checkedAtOnce) {
      const some = given.slice(start, start + checkedAtOnce)
      const results = await Promise.all(some.map((event) => check(event, carriedIn)))
      for (const [offset, result] of results.entries()) {
        const type = echoType(ownText(some[offset] as IngestEvent, 'type'))
        if (typeof result !== 'string') events.push(result)
        else rejected.push({ index: start + offset, type, code: 'invalid_event', field: result })
      }
      if (mayStop && rejected.length > 0) break
    }
    return { events, rejected }
  }
}

/** `properties.items[2].price`. Names that a sender may have made up become `?`. */
function nameField(carriedIn: string, issue: SchemaIssue | undefined): string {
  const path = Array.from(issue?.path ?? []).slice(0, maxDepth)
  return path.reduce<string>((field, segment) => {
    const key = typeof segment === 'object' ? segment.key : segment
    if (typeof key === 'number') return `${field}[${key}]`
    return `${field}.${typeof key === 'string' && namedSegment.test(key) ? key : '?'}`
  }, carriedIn)
}

/** Senders write null where they have no name. */
function hasNameThatIsNoText(event: IngestEvent, property: string): boolean {
  const value = Object.hasOwn(event, property) ? event[property] : undefined
  return value !== undefined && value !== null && typeof value !== 'string'
}

function ownText(event: IngestEvent, property: string): string | undefined {
  const value = Object.hasOwn(event, property) ? event[property] : undefined
  return typeof value === 'string' ? value : undefined
}

export const readSchemas: OptionReader<EventSchemas | undefined> = (value, option) => {
  if (value === undefined) return undefined
  const schemas = givenFields(value, [])
  if (schemas === undefined)
    throw badOption(option, value, "an object of schemas by event name, such as { 'Order Paid': schema }")
  for (const [name, schema] of Object.entries(schemas)) {
    const validator = (schema as Partial<StandardSchema> | null | undefined)?.['~standard']
    const place = `${option}[${JSON.stringify(name)}]`
    if (typeof validator?.validate !== 'function')
      throw badOption(
        place,
        schema,
        'a validator that follows Standard Schema, such as one of zod, valibot or arktype',
      )
    if (validator.version !== 1)
      throw new ConfigError(
        place,
        `${place} follows another version of Standard Schema; use one of version 1.`,
      )
  }
  return schemas as EventSchemas
}
