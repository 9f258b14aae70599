/** Who calls while it runs shares its result. */
export function oneAtATime<Given extends readonly unknown[], T>(
  run: (...given: Given) => Promise<T>,
): (...given: Given) => Promise<T> {
  let running: Promise<T> | undefined
  return (...given) => {
    running ??= run(...given).finally(() => {
      running = undefined
    })
    return running
  }
}
