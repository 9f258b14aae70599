const lengths = ['full', 'short', 'smoke'] as const

/** `LONG=short` is what `npm run bench` sets when it runs every part; `LONG=smoke` only shows that a part still runs. */
const length = lengths.find((name) => name === process.env.LONG) ?? 'full'

/** A size for each of the three. Figures are told of full and short runs; those of a smoke run mean nothing. */
export function sized<Size>(sizes: Record<(typeof lengths)[number], Size>): Size {
  return sizes[length]
}
