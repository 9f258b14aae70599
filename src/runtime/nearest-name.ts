/**
 * The known name that a misspelt one probably means: the only one within a third of its length in edits, or
 * one that differs only in case and punctuation. `undefined` when nothing is close.
 */
export function nearestName(misspelt: string, names: readonly string[]): string | undefined {
  const bare = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const same = names.find((name) => bare(name) === bare(misspelt))
  if (same !== undefined) return same
  // A longer text is not a misspelt name, and the distance takes the product of both lengths.
  if (misspelt.length > 64) return undefined
  let nearest: string | undefined
  let least = Math.floor(bare(misspelt).length / 3) + 1
  for (const name of names) {
    const distance = editDistance(bare(misspelt), bare(name))
    if (distance < least) {
      least = distance
      nearest = name
    }
  }
  return nearest
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (last[column - 1] as number) + (from[row - 1] === to[column - 1] ? 0 : 1)
      let cost = Math.min(replaced, (last[column] as number) + 1, (current[column - 1] as number) + 1)
      const isSwap =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (isSwap) cost = Math.min(cost, (beforeLast[column - 2] as number) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[to.length] as number
}
