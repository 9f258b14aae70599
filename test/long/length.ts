/** `LONG=short` runs every campaign in a minute or so; otherwise they have the sizes that the figures in the docs are of. */
const isShort = process.env.LONG === 'short'

/** A size for each of the two. */
export function length<Size = number>(full: Size, short: Size): Size {
  return isShort ? short : full
}
