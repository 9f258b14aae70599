import type { Anomaly } from '../api/wire.ts'
import { Empty, ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/task.ts'
import { Ago } from '../parts/time.tsx'
import { debuggerHref, keyHref } from '../route.ts'
import { useApi } from '../session.ts'
import { describeAnomaly } from '../words/anomaly-kinds.ts'
import { plural } from '../words/format.ts'
import { useAllKeys } from './loaded-keys.ts'

export function Anomalies() {
  const api = useApi()
  const { data, error } = useData('anomalies', () => api.anomalies(), 10_000)
  const { keys } = useAllKeys('')
  const names = new Map((keys ?? []).map((key) => [key.id, key.name]))
  return (
    <>
      <div class="page-head">
        <h1>Anomalies</h1>
        <span class="muted">{data !== null && plural(data.data.length, 'finding')}</span>
      </div>
      <ErrorNotice error={error} />
      {data === null && error === null && <p class="loading">Loading…</p>}
      {data?.data.length === 0 && (
        <Empty title="Nothing unusual">
          <p class="muted">
            Watched are spikes and silences against each key’s own baseline, refusals from unseen origins and
            addresses, server keys in browsers, secrets whose grace ends while they are in use, and secrets
            older than 90 days.
          </p>
        </Empty>
      )}
      <ul class="anomalies">
        {data?.data.map((anomaly) => (
          <AnomalyCard key={anomaly.id} of={anomaly} name={names.get(anomaly.key_id) ?? anomaly.key_id} />
        ))}
      </ul>
    </>
  )
}

function AnomalyCard({ of: anomaly, name }: { of: Anomaly; name: string }) {
  const { title, detail, advice, level } = describeAnomaly(anomaly)
  const place = anomaly.origin ?? anomaly.address
  return (
    <li class={`card anomaly ${level}`}>
      <div class="anomaly-head">
        <strong>{title}</strong>
        <a href={keyHref(anomaly.key_id)}>
          <PlainText text={name} />
        </a>
        <span class="grow" />
        <span class="muted">
          <Ago time={anomaly.last_at} />
        </span>
      </div>
      <p>
        {detail} {place !== null && <PlainText class="mono" text={place} />}
      </p>
      <p class="muted">
        {advice} <a href={debuggerHref(anomaly.key_id)}>Open the debugger</a>
      </p>
    </li>
  )
}
