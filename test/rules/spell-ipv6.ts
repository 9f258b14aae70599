/** One of many spellings of the same IPv6 address, picked by the bits of `choice`. */
export function spellIpv6(groups: readonly number[], choice: number): string {
  let bits = choice
  const pick = (count: number): number => {
    const picked = bits % count
    bits = Math.floor(bits / count)
    return picked
  }
  const isUpper = pick(2) === 1
  const isPadded = pick(2) === 1
  const isDotted = pick(2) === 1
  const words = groups.map((group) => group.toString(16).padStart(isPadded ? 4 : 1, '0'))
  if (isDotted) {
    const [high = 0, low = 0] = groups.slice(6)
    words.splice(6, 2, [high >> 8, high & 255, low >> 8, low & 255].join('.'))
  }
  const spell = (text: string): string => (isUpper ? text.toUpperCase() : text)

  const runs: [number, number][] = []
  const end = isDotted ? 6 : 8
  for (let start = 0; start < end; start++) {
    for (let stop = start + 1; stop <= end && groups[stop - 1] === 0; stop++) runs.push([start, stop])
  }
  const run = runs[pick(runs.length + 1)]
  if (run === undefined) return spell(words.join(':'))
  return spell(`${words.slice(0, run[0]).join(':')}::${words.slice(run[1]).join(':')}`)
}
