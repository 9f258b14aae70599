import type { WriteKey } from '../api/wire.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { Ago, ReadAt } from '../parts/time.tsx'
import { debuggerHref } from '../route.ts'
import { useApi } from '../session.ts'
import { plural } from '../words/format.ts'
import { DecisionList } from './decision-list.tsx'

export function LastDecisions({ of: key }: { of: WriteKey }) {
  const api = useApi()
  const { data, error, readAt } = useData(key.id, () => api.decisions({ key_id: key.id, limit: '20' }), 5_000)
  return (
    <section class="card span-2">
      <div class="card-head">
        <h2>Last events</h2>
        <ReadAt time={readAt} />
        <span class="grow" />
        <a href={debuggerHref({ key_id: key.id })}>Watch live</a>
      </div>
      <ErrorNotice error={error} />
      {data?.data.length === 0 && <NothingKept of={key} isOneProcess={data.scope === 'process'} />}
      {data !== null && <DecisionList decisions={[...data.data].reverse()} />}
    </section>
  )
}

/** An empty list does not mean that nothing arrived: only some decisions are kept. */
function NothingKept({ of: key, isOneProcess }: { of: WriteKey; isOneProcess: boolean }) {
  const refused = key.rejected_24h ?? 0
  return (
    <p class="muted">
      No recent request of this key is kept{isOneProcess && ' by the process that answered'}.{' '}
      {key.last_event_at ? (
        <>
          Its last accepted event was <Ago time={key.last_event_at} />.
        </>
      ) : (
        'None of its events was ever accepted. Does the key belong to this workspace?'
      )}
      {refused > 0 && ` ${plural(refused, 'request')} of it refused in the last 24 hours.`}
    </p>
  )
}
