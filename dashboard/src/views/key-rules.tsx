import type { ComponentChildren } from 'preact'
import type { WriteKey } from '../api/wire.ts'
import { PlainText } from '../parts/plain-text.tsx'
import { formatBytes, formatCount, formatDateTime } from '../words/format.ts'
import { listFields, listRules } from '../words/list-rules.ts'
import { warningsFor } from '../words/source-defaults.ts'

export function KeyRules({ of: key, onEdit }: { of: WriteKey; onEdit: (() => void) | null }) {
  const { rate_limit_eps: rate, allowed_origins: origins } = key
  return (
    <section class="card">
      <div class="card-head">
        <h2>Rules</h2>
        {onEdit !== null && (
          <button type="button" class="small" onClick={onEdit}>
            Edit rules
          </button>
        )}
      </div>
      <dl class="rules">
        <Rule label="Rate limit">
          {rateInWords(rate, key)}
          {key.effective_rate_limit_eps !== null && (
            <span class="hint">
              A request costs as many events as it holds, or one for every {formatBytes(key.event_bytes)}{' '}
              begun, if that is more.
            </span>
          )}
        </Rule>
        {key.effective_sender_rate_limit_eps !== null && (
          <Rule label="One sender">
            at most {formatCount(key.effective_sender_rate_limit_eps)} events per second
          </Rule>
        )}
        {key.effective_monthly_events !== null && (
          <Rule label="Quota">{formatCount(key.effective_monthly_events)} events per month</Rule>
        )}
        <Rule label="Event types">
          <List entries={key.allowed_event_types} none="all" />
        </Rule>
        <Rule label="Origins">
          {origins?.length === 0 ? 'no browser at all' : <List entries={origins} none="any" />}
        </Rule>
        {listFields.map((field) => {
          const { short, none } = listRules[field]
          if (key[field] === null && none === undefined) return null
          return (
            <Rule key={field} label={short}>
              <List entries={key[field]} none={none ?? ''} />
            </Rule>
          )
        })}
        <Rule label="Expires">{key.expires_at === null ? 'never' : formatDateTime(key.expires_at)}</Rule>
        {key.metadata !== null && (
          <Rule label="Metadata">
            <PlainText class="mono" text={JSON.stringify(key.metadata)} />
          </Rule>
        )}
      </dl>
      {key.status === 'active' &&
        warningsFor({ ...key, mayBeUnlimited: key.effective_rate_limit_eps === null }).map((warning) => (
          <p key={warning} class="hint warn">
            {warning}
          </p>
        ))}
    </section>
  )
}

function Rule({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function List({ entries, none }: { entries: string[] | null; none: string }) {
  if (entries === null) return <span class="muted">{none}</span>
  return (
    <>
      {entries.map((entry) => (
        <PlainText key={entry} class="tag mono" text={entry} />
      ))}
    </>
  )
}

function rateInWords(own: number | null, { plan, effective_rate_limit_eps: rate }: WriteKey): string {
  const events = rate === null ? 'unlimited' : `${formatCount(rate)} events per second`
  if (own !== null) return events
  return plan === null ? `default: ${events}` : `plan ${plan}: ${events}`
}
