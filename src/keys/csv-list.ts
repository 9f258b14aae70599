/** A list as the text of a cell: `a,b`, or JSON where that would be read as something else. */
export function listText(list: readonly unknown[]): string {
  const plain = list.join(',')
  const read = list.length === 0 || /\p{Cs}/u.test(plain) ? undefined : readList(plain)
  const isSame = read?.length === list.length && read.every((entry, index) => entry === list[index])
  return isSame ? plain : JSON.stringify(list)
}

/** The entries of a list: JSON, or texts between commas. */
export function readList(text: string): string[] {
  return readJsonList(text) ?? splitList(text)
}

/** `a, b` → `['a', 'b']`. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function readJsonList(text: string): string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every((entry) => typeof entry === 'string') ? list : undefined
  } catch {
    return undefined
  }
}
