import type { IngestRequest } from '../http/ingest-request.ts'
import { badOption, ConfigError } from '../runtime/config-error.ts'
import { list, type OptionReader, text } from '../runtime/options.ts'
import type { Credentials } from './credentials.ts'
import { credentialsOption } from './credentials-option.ts'

/** How the requests of a route are read. */
export interface Reading {
  /** Where their key is looked for. */
  readonly credentials: Credentials
  /** Where their body keeps its events. */
  readonly batchFields: readonly string[]
}

const names = list(
  text(/^(?!__proto__$)[\s\S]{1,100}$/, 'the name of a property, 1 to 100 characters'),
  "a list of names such as ['batch']",
)

/** The option `batchFields`. */
export const batchFieldsOption: OptionReader<readonly string[]> = (value, option) => {
  if (value === undefined) return defaultFields
  const fields = names(value, option)
  if (fields.length === 0) throw badOption(option, value, "a list with at least one name, such as ['batch']")
  const taken = fields.find((field) => namesOfEvents.includes(field))
  if (taken !== undefined)
    throw new ConfigError(
      option,
      `${option} must not name "${taken}": a body that has it is an event itself, so no batch would be found.`,
    )
  return [...new Set(fields)]
}

/** Properties that only events have, see `findEvents`. */
const namesOfEvents: readonly string[] = ['type', 'event', 'name']

const defaultFields: readonly string[] = Object.freeze(['batch'])

/**
 * @param request says what is different about its route
 * @throws ConfigError for a route that says it wrongly
 */
export function readingOf(request: IngestRequest, usual: Reading): Reading {
  const { credentials, batchFields } = request
  if (credentials === undefined && batchFields === undefined) return usual
  // Own properties only: a polluted prototype is not a route.
  const says = (name: keyof Reading) => Object.hasOwn(request, name) && request[name] !== undefined
  return {
    credentials: says('credentials')
      ? credentialsOption(credentials, 'request.credentials')
      : usual.credentials,
    batchFields: says('batchFields')
      ? batchFieldsOption(batchFields, 'request.batchFields')
      : usual.batchFields,
  }
}
