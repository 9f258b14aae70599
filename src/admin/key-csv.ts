import type { KeyJson, KeyWithVolumeJson } from './wire.ts'

/** A key of a list. Answers to changes have no volume. */
type ListedKey = KeyJson & Partial<KeyWithVolumeJson>

/** The columns of keys as CSV, for the command and the page. */
export const keyCsvColumns: Readonly<Record<string, (key: ListedKey) => unknown>> = {
  id: (key) => key.id,
  name: (key) => key.name,
  source_type: (key) => key.source_type,
  environment: (key) => key.environment,
  workspace: (key) => key.workspace,
  plan: (key) => key.plan,
  status: (key) => key.effective_status,
  start: (key) => key.secrets.at(-1)?.start,
  rate_limit_eps: (key) => key.rate_limit_eps,
  effective_rate_limit_eps: (key) => key.effective_rate_limit_eps,
  sender_rate_limit_eps: (key) => key.sender_rate_limit_eps,
  allowed_event_types: (key) => key.allowed_event_types,
  allowed_event_names: (key) => key.allowed_event_names,
  denied_event_names: (key) => key.denied_event_names,
  allowed_origins: (key) => key.allowed_origins,
  allowed_ips: (key) => key.allowed_ips,
  denied_ips: (key) => key.denied_ips,
  trial: (key) => key.trial,
  metadata: (key) => key.metadata,
  expires_at: (key) => key.expires_at,
  created_at: (key) => key.created_at,
  last_event_at: (key) => key.last_event_at,
  events_24h: (key) => key.events_24h,
  rejected_24h: (key) => key.rejected_24h,
}
