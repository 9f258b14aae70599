import type { Anomaly } from '../api/wire.ts'
import { KeyLabel } from '../parts/key-label.tsx'
import { Empty, ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { Ago, ReadAt } from '../parts/time.tsx'
import { debuggerHref } from '../route.ts'
import { useApi } from '../session.ts'
import { describeAnomaly } from '../words/anomaly-kinds.ts'
import { plural } from '../words/format.ts'

export function Anomalies() {
  const api = useApi()
  const { data, error, readAt } = useData('anomalies', () => api.anomalies(), 10_000)
  return (
    <>
      <div class="page-head">
        <h1>Anomalies</h1>
        <span class="muted">{data !== null && plural(data.data.length, 'finding')}</span>
        <span class="grow" />
        <ReadAt time={readAt} />
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
          <AnomalyCard key={anomaly.id} of={anomaly} />
        ))}
      </ul>
    </>
  )
}

export function AnomalyCard({ of: anomaly }: { of: Anomaly }) {
  const { title, detail, advice, level } = describeAnomaly(anomaly)
  const place = anomaly.origin ?? anomaly.address
  return (
    <li class={`card anomaly ${level}`}>
      <div class="anomaly-head">
        <strong>{title}</strong>
        <KeyLabel id={anomaly.key_id} of={anomaly.key} />
        <span class="grow" />
        <span class="muted">
          <Ago time={anomaly.last_at} />
        </span>
      </div>
      <p>
        {detail} {place !== null && <PlainText class="mono" text={place} />}
      </p>
      <p class="muted">
        {advice} <a href={debuggerHref({ key_id: anomaly.key_id })}>Open the debugger</a>
      </p>
    </li>
  )
}
