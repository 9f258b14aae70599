interface SparklineProps {
  accepted: number[]
  refused: number[]
  label: string
}

/** Accepted upwards and refused downwards, as tall as a line of text. */
export function Sparkline({ accepted, refused, label }: SparklineProps) {
  const most = Math.max(1, ...accepted)
  const mostRefused = Math.max(1, ...refused)
  const step = 96 / Math.max(1, accepted.length)
  const tall = (value: number, of: number, room: number) =>
    value === 0 ? 0 : Math.max(2, (value / of) * room)
  return (
    <svg class="spark" viewBox="0 0 96 24" width="96" height="24" role="img" aria-label={label}>
      {accepted.map((value, index) => {
        const width = Math.max(1, step - 1)
        const up = tall(value, most, 16)
        const down = tall(refused[index] ?? 0, mostRefused, 6)
        return (
          <g key={index}>
            <rect
              class={value === 0 ? 'none' : undefined}
              x={index * step}
              y={17 - Math.max(1, up)}
              width={width}
              height={Math.max(1, up)}
            />
            {down > 0 && <rect class="bad" x={index * step} y={18} width={width} height={down} />}
          </g>
        )
      })}
    </svg>
  )
}
