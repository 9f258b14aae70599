/** A long list in parts. Between two parts other work gets a turn of the event loop. */
export async function* inTurns<Item>(
  items: readonly Item[],
  atOnce = 1_000,
): AsyncGenerator<readonly Item[], void> {
  for (let start = 0; start < items.length; start += atOnce) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve))
    yield items.slice(start, start + atOnce)
  }
}
