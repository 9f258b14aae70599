import { useData } from '../parts/refreshed-data.ts'
import { useApi } from '../session.ts'
import { AnomalyCard } from './anomalies.tsx'

/** What is unusual about one key; nothing when nothing is. */
export function KeyAnomalies({ id }: { id: string }) {
  const api = useApi()
  const { data } = useData(`anomalies ${id}`, () => api.anomalies(id), 15_000)
  if (data === null || data.data.length === 0) return null
  return (
    <section class="span-2">
      <h2>Unusual</h2>
      <ul class="anomalies">
        {data.data.map((anomaly) => (
          <AnomalyCard key={anomaly.id} of={anomaly} />
        ))}
      </ul>
    </section>
  )
}
