import { useState } from 'preact/hooks'
import type { Counts, Usage } from '../api/wire.ts'
import { StackedBars } from '../parts/charts.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { useData } from '../parts/task.ts'
import { useApi } from '../session.ts'
import { formatCount, plural } from '../words/format.ts'
import { describeReason } from '../words/reasons.ts'

const windows = [
  { name: '24h', label: '24 hours' },
  { name: '30d', label: '30 days' },
] as const

/** Accepted events by type and refusals by reason, over a day or a month. */
export function KeyVolume({ id }: { id: string }) {
  const api = useApi()
  const [window, setWindow] = useState<'24h' | '30d'>('24h')
  const { data: usage, error } = useData(`${id} ${window}`, () => api.usage(id, window), 30_000)
  return (
    <section class="card span-2">
      <div class="card-head">
        <h2>Volume</h2>
        <fieldset class="segments" aria-label="Window">
          {windows.map(({ name, label }) => (
            <button key={name} type="button" aria-pressed={window === name} onClick={() => setWindow(name)}>
              {label}
            </button>
          ))}
        </fieldset>
      </div>
      <ErrorNotice error={error} />
      {usage === null ? (
        <div class="chart-room" />
      ) : (
        <div class="volume-grid">
          <div>
            <Chart usage={usage} window={window} />
          </div>
          <Refusals counts={usage.refused} total={usage.refused_total} />
        </div>
      )}
    </section>
  )
}

function Chart({ usage, window }: { usage: Usage; window: '24h' | '30d' }) {
  const series = byCount(usage.accepted).map(([name]) => name)
  const total = plural(usage.accepted_total, 'event')
  return (
    <>
      <StackedBars
        label={`${total} accepted in ${window === '24h' ? '24 hours' : '30 days'}`}
        series={series}
        buckets={usage.buckets.map(({ at, accepted }) => ({
          label: bucketLabel(at, window),
          counts: accepted,
        }))}
      />
      <ul class="legend">
        <li>
          <strong>{total}</strong> accepted
        </li>
        {byCount(usage.accepted).map(([name, count], place) => (
          <li key={name}>
            <svg class="swatch" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
              <rect class={`s${place % 8}`} width="10" height="10" rx="2" />
            </svg>
            <bdi>{name}</bdi> {formatCount(count)}
          </li>
        ))}
      </ul>
    </>
  )
}

function Refusals({ counts, total }: { counts: Counts; total: number }) {
  return (
    <div class="refusals">
      <h3>{plural(total, 'refusal')}</h3>
      {total === 0 && <p class="muted">Nothing was refused.</p>}
      <ul>
        {byCount(counts).map(([reason, count]) => {
          const { cause, advice } = describeReason(reason)
          return (
            <li key={reason}>
              <span class="refusal-title">{cause}</span>
              <span class="figure">{formatCount(count)}</span>
              <meter min={0} max={total} value={count} aria-label={cause} />
              <span class="hint">{advice}</span>
            </li>
          )
        })}
      </ul>
    </div>
  )
}

function byCount(counts: Counts): [string, number][] {
  return Object.entries(counts).sort((a, b) => b[1] - a[1])
}

const dayLabel = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' })
const hourLabel = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

function bucketLabel(at: string, window: '24h' | '30d'): string {
  return window === '24h' ? hourLabel.format(new Date(at)) : dayLabel.format(new Date(at))
}
