import type { KeyFields, SourceType } from '../api/wire.ts'

export const eventTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias']

interface SourceWords {
  label: string
  /** Suggested rate, events per second. */
  rate: number
  rateHint: string
  /** Suggested event types; null = all. */
  types: string[] | null
}

export const sources: Record<SourceType, SourceWords> = {
  web: {
    label: 'Web',
    rate: 500,
    rateHint: 'Web apps typically send 50–200 per second. Set it to 2–3 times your expected peak.',
    types: ['track', 'page'],
  },
  mobile: {
    label: 'Mobile',
    rate: 250,
    rateHint: 'Mobile apps typically send 20–100 per second. Set it to 2–3 times your expected peak.',
    types: ['track', 'identify', 'screen'],
  },
  server: {
    label: 'Server',
    rate: 5000,
    rateHint: 'Backends typically send 500–5,000 per second, depending on batch size and frequency.',
    types: null,
  },
  other: {
    label: 'Other',
    rate: 50,
    rateHint: 'For testing, 10–50 per second avoid accidental volume.',
    types: null,
  },
}

export const sourceTypes = Object.keys(sources) as SourceType[]

/** A tenth of a key's rate, as text; empty when there is no rate to share. */
export function senderShareOf(rate: number | null): string {
  return rate === null || !(rate > 0) ? '' : String(Math.max(1, Math.round(rate / 10)))
}

type Rules = Pick<KeyFields, 'source_type' | 'allowed_origins' | 'allowed_event_types'> & {
  /** Whether the key may send without a limit. */
  mayBeUnlimited: boolean
}

/** Warnings about a key with these rules. */
export function warningsFor(rules: Rules): string[] {
  const warnings: string[] = []
  const { source_type: source, allowed_origins: origins, allowed_event_types: types } = rules
  if (source === 'web' && origins === null) {
    warnings.push('Without allowed origins, any site that copies this key can send events with it.')
  }
  if (source === 'web' && (types === null || types.includes('identify'))) {
    warnings.push(
      'A web key with identify lets anybody who reads the page’s code overwrite traits that your servers set.',
    )
  }
  if (source === 'server' && origins !== null && origins.length > 0) {
    warnings.push('Do not use server keys in browsers. Create a web key for pages.')
  }
  if (
    origins?.some((origin) => origin.startsWith('http://') && !/^http:\/\/(localhost|127\.)/.test(origin))
  ) {
    warnings.push('An origin with http:// can be impersonated by anybody on the network path.')
  }
  if (rules.mayBeUnlimited) {
    warnings.push('Without a rate limit the default of the plan or application applies, which may be none.')
  }
  return warnings
}
