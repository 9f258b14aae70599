import type { KeyFields } from '../api/wire.ts'

/** The rules that are plain lists. Event types and origins have controls of their own. */
export type ListField = Exclude<
  { [Field in keyof KeyFields]-?: KeyFields[Field] extends string[] | null ? Field : never }[keyof KeyFields],
  'allowed_event_types' | 'allowed_origins'
>

interface ListRule {
  label: string
  /** The label where space is short. */
  short: string
  /** What the form calls the choices: no rule, and the list. */
  any: string
  list: string
  placeholder?: string
  /** One entry of the list. */
  entry: string
  /** What a key without the rule shows; absent = nothing. */
  none?: string
}

/** All that the page says about them, in the order of the form. A new list rule is added here. */
export const listRules: Readonly<Record<ListField, ListRule>> = {
  allowed_event_names: {
    label: 'Allowed event names',
    short: 'Event names',
    any: 'All names',
    list: 'Only these names',
    placeholder: 'billing/*',
    entry: 'event name',
    none: 'all',
  },
  denied_event_names: {
    label: 'Denied event names',
    short: 'Denied names',
    any: 'None',
    list: 'These names',
    entry: 'event name',
  },
  allowed_ips: {
    label: 'Allowed addresses',
    short: 'Addresses',
    any: 'Any address',
    list: 'Only these addresses',
    placeholder: '203.0.113.0/24',
    entry: 'address',
    none: 'any',
  },
  denied_ips: {
    label: 'Denied addresses',
    short: 'Denied addresses',
    any: 'None',
    list: 'These addresses',
    entry: 'address',
  },
}

export const listFields = Object.keys(listRules) as ListField[]

/** One value for each of these lists. */
export function forEachList<Value>(make: (field: ListField) => Value): Record<ListField, Value> {
  return Object.fromEntries(listFields.map((field) => [field, make(field)])) as Record<ListField, Value>
}
