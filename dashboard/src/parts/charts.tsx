import type { Counts } from '../api/wire.ts'
import { formatCount } from '../words/format.ts'

/** Bars of one series, as tall as a line of text. */
export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const most = Math.max(1, ...values)
  const step = 96 / values.length
  return (
    <svg class="spark" viewBox="0 0 96 22" width="96" height="22" role="img" aria-label={label}>
      {values.map((value, index) => {
        const height = value === 0 ? 1 : Math.max(2, (value / most) * 21)
        return (
          <rect
            key={index}
            class={value === 0 ? 'none' : undefined}
            x={index * step}
            y={22 - height}
            width={Math.max(1, step - 1)}
            height={height}
            rx="0.5"
          />
        )
      })}
    </svg>
  )
}

export interface ChartBucket {
  label: string
  counts: Counts
}

const height = 160
const top = 8
const bottom = 20
const left = 44

/** Stacked bars over time; series get the colours `s0` to `s7` in the order given. */
export function StackedBars({
  buckets,
  series,
  label,
}: {
  buckets: ChartBucket[]
  series: string[]
  label: string
}) {
  // Drawn at about the size it is shown, so that its letters are as large as those around it.
  const isNarrow = matchMedia('(max-width: 760px)').matches
  const width = isNarrow ? 340 : 720
  const totals = buckets.map(({ counts }) => series.reduce((sum, name) => sum + (counts[name] ?? 0), 0))
  const most = niceCeiling(Math.max(...totals, 1))
  const plot = height - top - bottom
  const step = (width - left) / buckets.length
  const every = Math.ceil(buckets.length / (isNarrow ? 4 : 8))
  return (
    <svg class="chart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {[0, 0.5, 1].map((share) => {
        const y = top + plot * (1 - share)
        return (
          <g key={share}>
            <line class="grid" x1={left} x2={width} y1={y} y2={y} />
            <text x={left - 6} y={y + 4} text-anchor="end">
              {formatAxis(most * share)}
            </text>
          </g>
        )
      })}
      {buckets.map((bucket, index) => {
        let y = top + plot
        const x = left + index * step + 1
        return (
          <g key={bucket.label}>
            <title>{`${bucket.label}: ${formatCount(totals[index] ?? 0)}`}</title>
            <rect class="hit" x={x - 1} y={top} width={step} height={plot} />
            {series.map((name, place) => {
              const tall = ((bucket.counts[name] ?? 0) / most) * plot
              if (tall === 0) return null
              y -= tall
              return (
                <rect
                  key={name}
                  class={`s${place % 8}`}
                  x={x}
                  y={y}
                  width={Math.max(1, step - 2)}
                  height={tall}
                />
              )
            })}
            {index % every === 0 && (
              <text x={x} y={height - 5}>
                {bucket.label}
              </text>
            )}
          </g>
        )
      })}
    </svg>
  )
}

/** The next value above that looks right on an axis, as does its half. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 3, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10
  return factor * power
}

function formatAxis(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`
  if (value >= 1_000) return `${value / 1_000}K`
  return String(value)
}
