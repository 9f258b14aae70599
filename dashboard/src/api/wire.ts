/** Objects of the management API as they come over the wire; times are ISO 8601. */

export type SourceType = 'web' | 'mobile' | 'server' | 'other'

export interface Secret {
  id: string
  start: string
  created_at: string
  expires_at: string | null
  last_used_at: string | null
}

/** What can be set on a key. */
export interface KeyFields {
  name: string
  source_type: SourceType
  rate_limit_eps: number | null
  allowed_event_types: string[] | null
  allowed_event_names: string[] | null
  denied_event_names: string[] | null
  allowed_origins: string[] | null
  allowed_ips: string[] | null
  denied_ips: string[] | null
  expires_at: string | null
  metadata: Record<string, unknown> | null
}

export interface WriteKey extends KeyFields {
  id: string
  environment: string
  status: 'active' | 'revoked'
  secrets: Secret[]
  created_at: string
  updated_at: string
  revoked_at: string | null
  version: number
  last_event_at?: string | null
  events_24h?: number
  rejected_24h?: number
  /** Accepted events per hour, oldest first. */
  hourly_24h?: number[]
}

export interface Page<T> {
  data: T[]
  next_cursor: string | null
}

/** The only two answers that hold a secret: create's and rotate's. */
export type CreatedKey = WriteKey & { key: string }
export type RotatedKey = CreatedKey & { grace_expires_at: string }

export type Counts = Record<string, number>

export interface Usage {
  from: string
  to: string
  accepted_total: number
  refused_total: number
  accepted: Counts
  refused: Counts
  last_event_at: string | null
  buckets: { at: string; accepted: Counts; refused: Counts }[]
}

export interface AuditEntry {
  id: string
  at: string
  action: string
  actor: string | null
  address: string | null
  key_id: string | null
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}

export interface Decision {
  id: number
  at: string
  key_id: string | null
  secret_id: string | null
  verdict: 'accepted' | 'refused'
  reason: string | null
  events: number
  rejected: number
  types: string[]
  names: string[]
  origin: string | null
  address: string | null
  payload: string | null
}

export interface Anomaly {
  id: string
  kind: string
  key_id: string
  first_at: string
  last_at: string
  count: number
  origin: string | null
  address: string | null
  secret_id: string | null
  secret_at: string | null
  observed: number | null
  expected: number | null
}

export interface Session {
  name: string
  role: 'admin' | 'viewer'
}
