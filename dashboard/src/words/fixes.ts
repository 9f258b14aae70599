import type { KeyFields, WriteKey } from '../api/wire.ts'

/** The refused values of a decision or a problem. */
export interface Refused {
  reason: string | null
  key_id: string | null
  origin: string | null
  address: string | null
  types: string[]
  names: string[]
}

export interface Fix {
  label: string
  /** What it means, in whole sentences. */
  meaning: string
  field: 'allowed_origins' | 'allowed_event_types' | 'allowed_event_names' | 'allowed_ips'
  /** What is added to the list. */
  entries: string[]
}

/** The rule that would let this in, if adding to one list is enough. */
export function fixFor({ reason, key_id: keyId, origin, address, types, names }: Refused): Fix | null {
  if (keyId === null) return null
  if (reason === 'origin_not_allowed' && origin !== null && /^https?:\/\//.test(origin))
    return {
      label: 'Allow this origin',
      field: 'allowed_origins',
      entries: [origin],
      meaning:
        'Pages of this origin may then send events with this key. Do it only if the site is yours: a site that copied the key would be let in too.',
    }
  if (reason === 'event_type_not_allowed' && types.length > 0)
    return {
      label: types.length > 1 ? 'Allow these types' : 'Allow this type',
      field: 'allowed_event_types',
      entries: types,
      meaning: 'Whoever has the key may then send events of this type, also from a page.',
    }
  if (reason === 'event_name_not_allowed' && names.length > 0)
    return {
      label: names.length > 1 ? 'Allow these names' : 'Allow this name',
      field: 'allowed_event_names',
      entries: names,
      meaning: 'Whoever has the key may then send events of this name. A name that is denied stays denied.',
    }
  if (reason === 'ip_not_allowed' && address !== null)
    return {
      label: 'Allow this address',
      field: 'allowed_ips',
      entries: [address],
      meaning:
        'Senders at this address may then use the key. An address that is denied stays denied; behind a proxy, check trustedProxies first.',
    }
  return null
}

/** The changed list; null when the key has no such list, or has the entries already. */
export function fixedFields(key: WriteKey, { field, entries }: Fix): Partial<KeyFields> | null {
  const list = key[field]
  if (list === null) return null
  const missing = entries.filter((entry) => !list.includes(entry))
  return missing.length === 0 ? null : { [field]: [...list, ...missing] }
}
