import { useEffect, useRef } from 'preact/hooks'
import { isUnanswered } from '../api/client.ts'
import { newerVersion } from '../api/newer-version.ts'
import type { WriteKey } from '../api/wire.ts'
import { say } from '../flash.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { useTask } from '../parts/task.ts'
import { TaskButton } from '../parts/task-button.tsx'
import { debuggerHref } from '../route.ts'
import { canWrite, useApi } from '../session.ts'
import { fieldLabels, fieldText } from '../words/fields.ts'
import { formatCount } from '../words/format.ts'
import { describeReason } from '../words/reasons.ts'
import type { SentFields } from './key-form-state.ts'
import { isStored, storedField } from './stored-fields.ts'

const byWhom = 'by somebody else or by an attempt whose answer got lost'
const enforced = 'has the rules that were on trial in force'
const dropped = 'has no rules on trial any more, and those it had are not in force'

function tellEnd(before: WriteKey, latest: WriteKey): void {
  say(`${isStored({ ...before.trial }, latest) ? enforced : dropped}, ${byWhom}.`, latest.name)
}

/** Whether two versions of a key have the same rules on trial, in place of the same rules. */
function isSameTrial(one: WriteKey, other: WriteKey): boolean {
  if (one.trial === null || other.trial === null) return false
  const replaced = Object.keys(one.trial).map((field) => [field, storedField(one, field as keyof SentFields)])
  return isStored({ trial: one.trial, ...Object.fromEntries(replaced) }, other)
}

/** Ends a trial. Another attempt, or a refresh of the page, tells when one whose answer got lost was done. */
function useTrialEnd(key: WriteKey, onChanged: (key: WriteKey) => void) {
  const api = useApi()
  const enforce = useTask(() => end('enforceTrial', key))
  const drop = useTask(() => end('dropTrial', key))
  /** The key as it was when an attempt was not answered. */
  const unsure = useRef<WriteKey | null>(null)

  useEffect(() => {
    const before = unsure.current
    if (before === null || (before.id === key.id && key.trial !== null)) return
    unsure.current = null
    if (before.id === key.id) tellEnd(before, key)
  }, [key.id, key.version])

  async function end(call: 'enforceTrial' | 'dropTrial', before: WriteKey): Promise<void> {
    unsure.current = null
    try {
      onChanged(await api[call](before.id, before.version))
    } catch (error) {
      if (isUnanswered(error)) unsure.current = before
      const latest = await newerVersion(api, before, error)
      // Changes of other fields do not matter here.
      if (isSameTrial(before, latest)) return end(call, latest)
      onChanged(latest)
      if (latest.trial !== null)
        throw new Error(
          `These rules, or those that they replace, were changed meanwhile, ${byWhom}. Look again.`,
        )
      tellEnd(before, latest)
    }
  }

  return { enforce, drop }
}

/** Rules on trial: what they would have refused, and buttons to enforce or drop them. */
export function TrialRules({ of: key, onChanged }: { of: WriteKey; onChanged: (key: WriteKey) => void }) {
  const api = useApi()
  const { data: usage } = useData(`trial ${key.id} ${key.version}`, () => api.usage(key.id, '24h'), 30_000)
  const { enforce, drop } = useTrialEnd(key, onChanged)
  if (key.trial === null) return null
  const busy = enforce.busy || drop.busy
  return (
    <section class="card" aria-label="Rules on trial">
      <div class="card-head">
        <h2>On trial</h2>
        {canWrite() && key.status !== 'revoked' && (
          <>
            <TaskButton class="small" busy={busy} onClick={() => void drop.start()}>
              Drop
            </TaskButton>
            <TaskButton class="small primary" busy={busy} onClick={() => void enforce.start()}>
              Enforce now
            </TaskButton>
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
