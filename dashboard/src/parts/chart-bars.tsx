import { type ChartBucket, sum } from './chart-bucket.ts'

export const top = 8
export const left = 44
const axis = 20
const upRoom = 130
export const downRoom = 44
const zero = top + upRoom
export const below = zero + axis

interface GridProps {
  width: number
  most: number
  /** Null when nothing was refused. */
  mostRefused: number | null
}

export function Grid({ width, most, mostRefused }: GridProps) {
  return (
    <>
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <line class="grid" x1={left} x2={width} y1={zero - upRoom * share} y2={zero - upRoom * share} />
          <text x={left - 6} y={zero - upRoom * share + 4} text-anchor="end">
            {formatAxis(most * share)}
          </text>
        </g>
      ))}
      {mostRefused !== null && (
        <>
          <line class="grid" x1={left} x2={width} y1={below} y2={below} />
          <text x={left - 6} y={below + downRoom} text-anchor="end">
            {formatAxis(mostRefused)}
          </text>
        </>
      )}
    </>
  )
}

interface BarProps {
  bucket: ChartBucket
  series: string[]
  x: number
  width: number
  most: number
  mostRefused: number
  isLabelled: boolean
}

export function Bar({ bucket, series, x, width, most, mostRefused, isLabelled }: BarProps) {
  let y = zero
  const refused = (sum(bucket.refused) / mostRefused) * downRoom
  return (
    <g>
      {series.map((name, place) => {
        const count = bucket.accepted[name] ?? 0
        const tall = count === 0 ? 0 : Math.max(1, (count / most) * upRoom)
        y -= tall
        return tall === 0 ? null : (
          <rect key={name} class={`s${place % 8}`} x={x} y={y} width={width} height={tall} />
        )
      })}
      {refused > 0 && <rect class="bad" x={x} y={below} width={width} height={Math.max(1, refused)} />}
      {isLabelled && (
        <text x={x} y={zero + 14}>
          {bucket.label}
        </text>
      )}
    </g>
  )
}

function formatAxis(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`
  if (value >= 1_000) return `${value / 1_000}K`
  return String(value)
}
