import { ErrorNotice } from '../parts/notice.tsx'
import { useData } from '../parts/task.ts'
import { debuggerHref } from '../route.ts'
import { useApi } from '../session.ts'
import { DecisionList } from './decision-list.tsx'

export function LastDecisions({ keyId }: { keyId: string }) {
  const api = useApi()
  const { data, error } = useData(keyId, () => api.decisions(keyId), 5_000)
  return (
    <section class="card span-2">
      <div class="card-head">
        <h2>Last events</h2>
        <a href={debuggerHref(keyId)}>Watch live</a>
      </div>
      <ErrorNotice error={error} />
      {data?.data.length === 0 && (
        <p class="muted">
          Nothing has arrived at this process since it started. Does the key belong to this workspace?
        </p>
      )}
      {data !== null && <DecisionList decisions={[...data.data].reverse()} />}
    </section>
  )
}
