import { useEffect, useRef, useState } from 'preact/hooks'
import type { Counts, Usage } from '../api/wire.ts'
import { announce } from '../flash.ts'
import { type ChartBucket, entries } from '../parts/chart-bucket.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { ReadAt } from '../parts/time.tsx'
import { UsageChart } from '../parts/usage-chart.tsx'
import { debuggerHref, query, setQuery } from '../route.ts'
import { useApi } from '../session.ts'
import { formatCount, formatDateTime, plural, timeZone } from '../words/format.ts'
import { describeReason } from '../words/reasons.ts'

const windows = [
  { name: '1h', label: '1 hour' },
  { name: '24h', label: '24 hours' },
  { name: '7d', label: '7 days' },
  { name: '30d', label: '30 days' },
]

/** Accepted events by type and refusals by reason on one axis of time; the window stands in the address. */
export function KeyVolume({ id }: { id: string }) {
  const api = useApi()
  const window = query.value.window ?? '24h'
  const { data, error, readAt } = useData(
    `${id} ${window}`,
    async () => ({ window, usage: await api.usage(id, window) }),
    30_000,
  )
  const usage = data?.usage ?? null
  useAnnouncedWindow(data)
  const isCustom = !windows.some(({ name }) => name === window)
  return (
    <section class="card span-2">
      <div class="card-head">
        <h2>Volume</h2>
        <ReadAt time={readAt} />
        <span class="grow" />
        <fieldset class="segments" aria-label="Window">
          {windows.map(({ name, label }) => (
            <button
              key={name}
              type="button"
              aria-pressed={window === name}
              onClick={() => setQuery({ window: name === '24h' ? '' : name })}
            >
              {label}
            </button>
          ))}
          <CustomWindow value={isCustom ? window : ''} />
        </fieldset>
      </div>
      <ErrorNotice error={error} />
      {usage === null ? (
        <div class="chart-room skeleton" />
      ) : (
        <>
          {usage.quota !== null && <Quota of={usage.quota} />}
          <div class="volume-grid">
            <Chart usage={usage} window={window} />
            <Refusals id={id} counts={usage.refused} total={usage.refused_total} />
          </div>
        </>
      )}
    </section>
  )
}

/** Says the figures when they are those of another window. */
function useAnnouncedWindow(data: { window: string; usage: Usage } | null) {
  const said = useRef(data?.window)
  useEffect(() => {
    if (data === null) return
    const { accepted_total: accepted, refused_total: refused } = data.usage
    if (said.current !== undefined && said.current !== data.window)
      announce(`${titleOf(accepted, data.window)}, ${plural(refused, 'refusal')}.`)
    said.current = data.window
  }, [data])
}

function titleOf(accepted: number, window: string): string {
  const words = windows.find(({ name }) => name === window)?.label ?? `${window.replace(/d$/, '')} days`
  return `${plural(accepted, 'event')} accepted in ${words}`
}

function Quota({
  of: { left, monthly_events: most, resets_at: until },
}: {
  of: NonNullable<Usage['quota']>
}) {
  return (
    <p class={left === 0 ? 'hint warn' : 'hint'}>
      <strong>{formatCount(left)}</strong> of {formatCount(most)} events are left this month, until{' '}
      {formatDateTime(until)}.{left === 0 && ' Senders are refused with 429 until then.'}
    </p>
  )
}

function CustomWindow({ value }: { value: string }) {
  return (
    <label class="custom-window">
      <span class="visually-hidden">Last days</span>
      <input
        type="number"
        min="1"
        max="30"
        placeholder="days"
        value={value.replace(/d$/, '')}
        onChange={(event) => {
          const days = Math.round(Number(event.currentTarget.value))
          if (days >= 1 && days <= 30) setQuery({ window: `${days}d` })
        }}
      />
    </label>
  )
}

function Chart({ usage, window }: { usage: Usage; window: string }) {
  const series = entries(usage.accepted)
  const total = plural(usage.accepted_total, 'event')
  return (
    <div>
      <UsageChart
        label={titleOf(usage.accepted_total, window)}
        series={series.map(([name]) => name)}
        buckets={toBuckets(usage)}
        nameOf={(reason) => describeReason(reason).cause}
      />
      <ul class="legend">
        <li>
          <strong>{total}</strong> accepted
        </li>
        {series.map(([name, count], place) => (
          <li key={name}>
            <svg class="swatch" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
              <rect class={`s${place % 8}`} width="10" height="10" rx="2" />
            </svg>
            <bdi>{name}</bdi> {formatCount(count)}
          </li>
        ))}
        <li class="muted">
          {usage.bucket_seconds >= 86_400 ? 'Days' : usage.bucket_seconds >= 3_600 ? 'Hours' : 'Times'} of{' '}
          {timeZone}
        </li>
      </ul>
    </div>
  )
}

/** Each reason opens to show where its refusals came from. */
function Refusals({ id, counts, total }: { id: string; counts: Counts; total: number }) {
  const [open, setOpen] = useState<string | null>(null)
  return (
    <div class="refusals">
      <h3>{plural(total, 'refusal')}</h3>
      {total === 0 && <p class="muted">Nothing was refused.</p>}
      <ul>
        {entries(counts).map(([reason, count]) => {
          const { cause, advice } = describeReason(reason)
          const isOpen = open === reason
          return (
            <li key={reason}>
              <button
                type="button"
                class="plain refusal-title"
                aria-expanded={isOpen}
                onClick={() => setOpen(isOpen ? null : reason)}
              >
                <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> {cause}
              </button>
              <span class="figure">{formatCount(count)}</span>
              <meter min={0} max={total} value={count} aria-label={cause} />
              <span class="hint">{advice}</span>
              {isOpen && <Sources id={id} reason={reason} />}
            </li>
          )
        })}
      </ul>
    </div>
  )
}

/** Origins, addresses and names of the refusals of one reason. */
function Sources({ id, reason }: { id: string; reason: string }) {
  const api = useApi()
  const { data, error } = useData(`${id} ${reason}`, () => api.problems({ key_id: id, reason }), 15_000)
  return (
    <div class="sources">
      <ErrorNotice error={error} />
      {data?.data.length === 0 && <span class="muted">Nothing is known of where they came from.</span>}
      <ul>
        {data?.data.slice(0, 10).map((problem) => (
          <li key={problem.id}>
            {problem.origin !== null && <PlainText class="mono" text={problem.origin} />}{' '}
            {problem.address !== null && <PlainText class="mono" text={problem.address} />}{' '}
            {problem.names.map((name) => (
              <PlainText key={name} class="tag" text={name} />
            ))}{' '}
            <span class="figure">{formatCount(problem.count)}</span>
          </li>
        ))}
      </ul>
      <a href={debuggerHref({ tab: 'problems', key_id: id, reason })}>Show as problems</a>
    </div>
  )
}

const dayLabel = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' })
const hourLabel = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

function toBuckets({ buckets, bucket_seconds: seconds, to, from }: Usage): ChartBucket[] {
  const isDays = seconds >= 86_400
  const isLong = Date.parse(to) - Date.parse(from) > 36 * 3_600_000
  return buckets.map(({ at, accepted, refused }) => {
    const time = new Date(at)
    return {
      label: isDays || isLong ? dayLabel.format(time) : hourLabel.format(time),
      title: isDays ? dayLabel.format(time) : formatDateTime(at),
      accepted,
      refused,
    }
  })
}
