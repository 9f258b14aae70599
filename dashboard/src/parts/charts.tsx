import { useEffect, useState } from 'preact/hooks'
import type { Counts } from '../api/wire.ts'
import { formatCount, plural } from '../words/format.ts'

export interface ChartBucket {
  /** On the axis. */
  label: string
  /** In full, for the tooltip and the table. */
  title: string
  accepted: Counts
  refused: Counts
}

interface UsageChartProps {
  buckets: ChartBucket[]
  /** Names of what was accepted, which get the colours `s0` to `s7` in this order. */
  series: string[]
  label: string
  nameOf: (reason: string) => string
}

const top = 8
const left = 44
const axis = 20
const upRoom = 130
const downRoom = 44

/** Accepted events by type above the axis, refused requests by reason below it; a bar is read by mouse, touch and arrow keys. */
export function UsageChart({ buckets, series, label, nameOf }: UsageChartProps) {
  // Stays when the pointer leaves. Otherwise the content below would move under the pointer.
  const [active, setActive] = useState<number | null>(null)
  // Drawn at about its displayed size, so that its text is as large as the text around it.
  const isNarrow = useNarrow()
  const width = isNarrow ? 340 : 900
  const most = niceCeiling(Math.max(1, ...buckets.map(({ accepted }) => sum(accepted))))
  const mostRefused = niceCeiling(Math.max(1, ...buckets.map(({ refused }) => sum(refused))))
  const zero = top + upRoom
  const below = zero + axis
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
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="grid" x1={left} x2={width} y1={zero - upRoom * share} y2={zero - upRoom * share} />
            <text x={left - 6} y={zero - upRoom * share + 4} text-anchor="end">
              {formatAxis(most * share)}
            </text>
          </g>
        ))}
        {hasRefusals && (
          <>
            <line class="grid" x1={left} x2={width} y1={below} y2={below} />
            <text x={left - 6} y={below + downRoom} text-anchor="end">
              {formatAxis(mostRefused)}
            </text>
          </>
        )}
        {active !== null && (
          <rect class="hit" x={left + active * step} y={top} width={step} height={height - top} />
        )}
        {buckets.map((bucket, index) => {
          let y = zero
          const x = left + index * step + 1
          const wide = Math.max(1, step - 2)
          const refused = (sum(bucket.refused) / mostRefused) * downRoom
          return (
            <g key={bucket.title}>
              {series.map((name, place) => {
                const count = bucket.accepted[name] ?? 0
                const tall = count === 0 ? 0 : Math.max(1, (count / most) * upRoom)
                y -= tall
                return tall === 0 ? null : (
                  <rect key={name} class={`s${place % 8}`} x={x} y={y} width={wide} height={tall} />
                )
              })}
              {refused > 0 && <rect class="bad" x={x} y={below} width={wide} height={Math.max(1, refused)} />}
              {index % every === 0 && (
                <text x={x} y={zero + 14}>
                  {bucket.label}
                </text>
              )}
            </g>
          )
        })}
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
        {shown === undefined ? (
          <span class="muted">Point at a bar, or use the arrow keys, to read it.</span>
        ) : (
          <>
            <strong>{shown.title}</strong> {plural(sum(shown.accepted), 'event')} accepted
            {entries(shown.accepted).map(([name, count]) => (
              <span key={name}>
                <bdi>{name}</bdi> {formatCount(count)}
              </span>
            ))}
            {sum(shown.refused) > 0 && <span class="refused">{formatCount(sum(shown.refused))} refused</span>}
            {entries(shown.refused).map(([name, count]) => (
              <span key={name}>
                {nameOf(name)} {formatCount(count)}
              </span>
            ))}
          </>
        )}
      </div>
      <details>
        <summary>As a table</summary>
        <BucketTable buckets={buckets} nameOf={nameOf} />
      </details>
    </div>
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

function BucketTable({ buckets, nameOf }: Pick<UsageChartProps, 'buckets' | 'nameOf'>) {
  const list = (counts: Counts, name: (one: string) => string) =>
    entries(counts)
      .map(([one, count]) => `${name(one)} ${formatCount(count)}`)
      .join(', ')
  return (
    <table class="buckets">
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col" class="number">
            Accepted
          </th>
          <th scope="col">By type</th>
          <th scope="col" class="number">
            Refused
          </th>
          <th scope="col">By reason</th>
        </tr>
      </thead>
      <tbody>
        {[...buckets].reverse().map((bucket) => (
          <tr key={bucket.title}>
            <th scope="row">{bucket.title}</th>
            <td class="number">{formatCount(sum(bucket.accepted))}</td>
            <td>
              <bdi>{list(bucket.accepted, (name) => name)}</bdi>
            </td>
            <td class="number">{formatCount(sum(bucket.refused))}</td>
            <td>{list(bucket.refused, nameOf)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

/** Most first. */
export function entries(counts: Counts): [string, number][] {
  return Object.entries(counts).sort((a, b) => b[1] - a[1])
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
