import { ApiError } from '../api/client.ts'
import type { WriteKey } from '../api/wire.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { useTask } from '../parts/task.ts'
import { debuggerHref } from '../route.ts'
import { canWrite, useApi } from '../session.ts'
import { fieldLabels, fieldText } from '../words/fields.ts'
import { formatCount } from '../words/format.ts'
import { describeReason } from '../words/reasons.ts'

/** Rules on trial: what they would have refused, and buttons to enforce or drop them. */
export function TrialRules({ of: key, onChanged }: { of: WriteKey; onChanged: (key: WriteKey) => void }) {
  const api = useApi()
  const { data: usage } = useData(`trial ${key.id} ${key.version}`, () => api.usage(key.id, '24h'), 30_000)
  const enforce = useTask(() => end(api.enforceTrial(key.id, key.version)))
  const drop = useTask(() => end(api.dropTrial(key.id, key.version)))

  /** If somebody else has changed the key, shows what it is like now, and why nothing was done. */
  async function end(call: Promise<WriteKey>) {
    try {
      onChanged(await call)
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) onChanged(await api.getKey(key.id))
      throw error
    }
  }

  if (key.trial === null) return null
  const busy = enforce.busy || drop.busy
  return (
    <section class="card" aria-label="Rules on trial">
      <div class="card-head">
        <h2>On trial</h2>
        {canWrite() && key.status !== 'revoked' && (
          <>
            <button type="button" class="small" disabled={busy} onClick={() => void drop.start()}>
              Drop
            </button>
            <button type="button" class="small primary" disabled={busy} onClick={() => void enforce.start()}>
              Enforce now
            </button>
          </>
        )}
      </div>
      <p>
        {usage === null || usage.tried_total === 0 ? (
          'Nothing has been judged in the last 24 hours.'
        ) : (
          <>
            Would have refused <strong>{formatCount(usage.would_refuse_total)}</strong> of{' '}
            {formatCount(usage.tried_total)} events in the last 24 hours.{' '}
            <a href={debuggerHref({ key_id: key.id, outcome: 'would_refuse' })}>Show them</a>
          </>
        )}
      </p>
      {usage !== null && (
        <ul>
          {Object.entries(usage.would_refuse).map(([reason, count]) => (
            <li key={reason}>
              {describeReason(reason).cause}: {formatCount(count)}
            </li>
          ))}
        </ul>
      )}
      <dl class="rules">
        {Object.entries(key.trial).map(([field, value]) => (
          <div key={field}>
            <dt>{fieldLabels[field] ?? field}</dt>
            <dd>
              <PlainText text={fieldText(field, value)} />
            </dd>
          </div>
        ))}
      </dl>
      <ErrorNotice error={enforce.error ?? drop.error} />
    </section>
  )
}
