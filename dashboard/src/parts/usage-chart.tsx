import { useEffect, useState } from 'preact/hooks'
import { formatCount, plural } from '../words/format.ts'
import { BucketTable } from './bucket-table.tsx'
import { Bar, below, downRoom, Grid, left, top } from './chart-bars.tsx'
import { type ChartBucket, entries, sum } from './chart-bucket.ts'

interface UsageChartProps {
  buckets: ChartBucket[]
  /** Names of what was accepted, which get the colours `s0` to `s7` in this order. */
  series: string[]
  label: string
  nameOf: (reason: string) => string
}

/** Accepted events by type above the axis, refused requests by reason below it; a bar is read by mouse, touch and arrow keys. */
export function UsageChart({ buckets, series, label, nameOf }: UsageChartProps) {
  // Stays when the pointer leaves. Otherwise the content below would move under the pointer.
  const [active, setActive] = useState<number | null>(null)
  // Drawn at about its displayed size, so that its text is as large as the text around it.
  const isNarrow = useNarrow()
  const width = isNarrow ? 340 : 900
  const most = niceCeiling(Math.max(1, ...buckets.map(({ accepted }) => sum(accepted))))
  const mostRefused = niceCeiling(Math.max(1, ...buckets.map(({ refused }) => sum(refused))))
  const hasRefusals = buckets.some(({ refused }) => sum(refused) > 0)
  const height = hasRefusals ? below + downRoom + 6 : below
  const step = (width - left) / Math.max(1, buckets.length)
  const every = Math.ceil(buckets.length / (isNarrow ? 4 : 9))
  const shown = active === null ? undefined : buckets[active]

  function move(event: KeyboardEvent) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (by === undefined) return
    event.preventDefault()
    setActive((at) => Math.min(buckets.length - 1, Math.max(0, (at ?? buckets.length) + by)))
  }

  function point(event: PointerEvent) {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect()
    const at = Math.floor((((event.clientX - box.left) / box.width) * width - left) / step)
    setActive(at >= 0 && at < buckets.length ? at : null)
  }

  return (
    <div class="chart-box">
      <svg
        class="chart"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={label}
        onPointerMove={point}
        onPointerDown={point}
      >
        <Grid width={width} most={most} mostRefused={hasRefusals ? mostRefused : null} />
        {active !== null && (
          <rect class="hit" x={left + active * step} y={top} width={step} height={height - top} />
        )}
        {buckets.map((bucket, index) => (
          <Bar
            key={bucket.title}
            bucket={bucket}
            series={series}
            x={left + index * step + 1}
            width={Math.max(1, step - 2)}
            most={most}
            mostRefused={mostRefused}
            isLabelled={index % every === 0}
          />
        ))}
      </svg>
      <div
        class="tooltip"
        role="slider"
        tabIndex={0}
        aria-label="Bar that is read"
        aria-valuemin={0}
        aria-valuemax={buckets.length - 1}
        aria-valuenow={active ?? buckets.length - 1}
        aria-valuetext={
          shown === undefined
            ? 'none'
            : `${shown.title}: ${plural(sum(shown.accepted), 'event')} accepted, ${formatCount(sum(shown.refused))} refused`
        }
        onKeyDown={move}
      >
        <BucketCounts of={shown} nameOf={nameOf} />
      </div>
      <details>
        <summary>As a table</summary>
        <BucketTable buckets={buckets} nameOf={nameOf} />
      </details>
    </div>
  )
}

/** The bar that is read, in words. */
function BucketCounts({
  of: bucket,
  nameOf,
}: { of: ChartBucket | undefined } & Pick<UsageChartProps, 'nameOf'>) {
  if (bucket === undefined)
    return <span class="muted">Point at a bar, or use the arrow keys, to read it.</span>
  return (
    <>
      <strong>{bucket.title}</strong> {plural(sum(bucket.accepted), 'event')} accepted
      {entries(bucket.accepted).map(([name, count]) => (
        <span key={name}>
          <bdi>{name}</bdi> {formatCount(count)}
        </span>
      ))}
      {sum(bucket.refused) > 0 && <span class="refused">{formatCount(sum(bucket.refused))} refused</span>}
      {entries(bucket.refused).map(([name, count]) => (
        <span key={name}>
          {nameOf(name)} {formatCount(count)}
        </span>
      ))}
    </>
  )
}

const narrow = matchMedia('(max-width: 760px)')

/** Also when the window is made narrower, or a telephone is turned. */
function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(narrow.matches)
  useEffect(() => {
    const look = () => setNarrow(narrow.matches)
    narrow.addEventListener('change', look)
    return () => narrow.removeEventListener('change', look)
  }, [])
  return isNarrow
}

/** The next value above that looks right on an axis, as does its half. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 3, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10
  return factor * power
}
