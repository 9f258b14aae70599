import type { House, KnownKey } from './expectation.ts'

export type Judged =
  | { readonly events: readonly Readonly<Record<string, unknown>>[] }
  | { readonly faults: readonly string[] }

const invalidEvent = '400 invalid_event'
const mismatch = '400 event_type_mismatch'
const typeRefused = '403 event_type_not_allowed'
const nameRefused = '403 event_name_not_allowed'

type Fields = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const has = (value: Fields, field: string) => Object.hasOwn(value, field)

/** The events of a body under the rules of a key, in all readings that are left open. */
export function judgeEvents(
  root: unknown,
  pathType: string | null,
  key: KnownKey,
  house: House,
): readonly Judged[] {
  if (Array.isArray(root)) return judgeItems(root, [], pathType, key, house)
  if (!isObject(root)) return [{ faults: [invalidEvent] }]
  const fields = house.batchFields.filter((field) => has(root, field))
  if (fields.length === 0) {
    return judgeOne(root, pathType, key, house).map((faults) =>
      faults.length === 0 ? { events: [root] } : { faults },
    )
  }
  const faults: string[] = []
  if (fields.length > 1 || has(root, '__proto__') || has(root, 'event') || has(root, 'name'))
    faults.push(invalidEvent)
  if (has(root, 'type') && root.type !== 'batch') faults.push(invalidEvent)
  const items = root[fields[0] as string]
  if (!Array.isArray(items)) return [{ faults: [invalidEvent] }]
  return judgeItems(items, faults, pathType, key, house)
}

function judgeItems(
  items: readonly unknown[],
  faultsOfBody: readonly string[],
  pathType: string | null,
  key: KnownKey,
  house: House,
): readonly Judged[] {
  const faults = [...faultsOfBody]
  if (items.length === 0) faults.push(invalidEvent)
  if (items.length > house.maxEvents) faults.push('413 too_many_events')
  const readings = items.map((item) => judgeOne(item, pathType, key, house))
  // Where single events are left open, the whole is: once read mildly, once strictly.
  const isOpen = readings.some((reading) => reading.length > 1)
  return (isOpen ? [0, -1] : [0]).map((at) => {
    const judged = readings.map((reading) => reading.at(at) as readonly string[])
    if (house.onForbiddenEvent === 'reject') {
      const all = [...faults, ...judged.flat()]
      return all.length === 0 ? { events: items as Fields[] } : { faults: all }
    }
    const kept = items.filter((_, index) => judged[index]?.length === 0) as Fields[]
    const all = [...faults, ...judged.flat().filter((fault) => fault === mismatch)]
    if (all.length > 0) return { faults: all }
    return kept.length > 0 ? { events: kept } : { faults: [typeRefused, nameRefused] }
  })
}

/** What is wrong with one event; more than one answer where it is left open, the mildest first. */
function judgeOne(
  event: unknown,
  pathType: string | null,
  key: KnownKey,
  house: House,
): readonly (readonly string[])[] {
  if (!isObject(event)) return [[invalidEvent]]
  const isInvalid =
    has(event, '__proto__') ||
    house.batchFields.some((field) => has(event, field) && Array.isArray(event[field])) ||
    (has(event, 'type') && typeof event.type !== 'string')
  if (isInvalid) return [[invalidEvent]]
  const faults: string[] = []
  const own = has(event, 'type') ? (event.type as string) : null
  if (pathType !== null && own !== null && own !== pathType) faults.push(mismatch)
  const type = pathType ?? own
  if (key.allowedEventTypes !== undefined && (type === null || !key.allowedEventTypes.includes(type)))
    faults.push(typeRefused)
  const readings = readNames(event, type, key).map((fault) => (fault ? [...faults, nameRefused] : faults))
  // An own __proto__ further in, or a `batch` that is no list of events: not said.
  const isOpen = hidesProto(event) || house.batchFields.some((field) => has(event, field))
  return isOpen ? [...readings, [...faults, invalidEvent]] : readings
}

/** Whether the name is refused. */
function readNames(event: Fields, type: string | null, key: KnownKey): readonly boolean[] {
  const { allowedEventNames: allowed, deniedEventNames: denied } = key
  if (allowed === undefined && denied === undefined) return [false]
  if (type === 'identify' || type === 'group' || type === 'alias') return [false]
  const fields =
    type === 'track' ? ['event'] : type === 'page' || type === 'screen' ? ['name'] : ['event', 'name']
  const present = fields.filter((field) => has(event, field)).map((field) => event[field])
  const names = present.filter((name) => typeof name === 'string')
  const matches = (name: string, rules: readonly string[]) =>
    rules.some((rule) => (rule.endsWith('*') ? name.startsWith(rule.slice(0, -1)) : name === rule))
  const isRefused =
    (denied !== undefined && names.some((name) => matches(name, denied))) ||
    (allowed !== undefined && (names.length === 0 || !names.every((name) => matches(name, allowed))))
  // A name that is no text, or an empty one, beside rules: not said.
  const isOpen = names.length !== present.length || names.includes('')
  return isOpen && !isRefused ? [false, true] : [isRefused]
}

function hidesProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return JSON.stringify(value).includes('"__proto__":')
}
