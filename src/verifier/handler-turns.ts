/**
 * Requests that pass the gate in one turn of the event loop, one after the other: each is looked at when the caller of
 * the one before has had the time to start its handler. All of them together would be looked at first, and the last
 * handler would start after all others had run.
 */
export interface HandlerTurns {
  /**
   * Undefined: it is the caller's turn at once. Otherwise it is when the promise resolves. A turn ends by itself.
   * @param hasWaited whether promises stand between the verdict and whoever waits for it
   */
  take(hasWaited: boolean): Promise<void> | undefined
}

/**
 * Microtasks until a verdict that was waited for has passed through the promises of the sequence and of any adapter, and
 * the handler has started. The longest way of the adapters has 12.
 */
const microtasksOfTurn = 32

const settled = Promise.resolve()

export function createHandlerTurns(): HandlerTurns {
  const waiting: (() => void)[] = []
  let isTaken = false
  let left = 0
  let isShort = false

  function begin(microtasks: number): void {
    left = microtasks
    settled.then(pass)
  }

  function pass(): void {
    left -= 1
    if (left > 0) {
      settled.then(pass)
    } else if (waiting.length === 0) {
      isTaken = false
    } else if (isShort) {
      // Somebody has come meanwhile: the turn that is under way gets its whole length.
      isShort = false
      begin(microtasksOfTurn)
    } else {
      waiting.shift()?.()
      begin(microtasksOfTurn)
    }
  }

  return {
    take(hasWaited) {
      if (isTaken) return new Promise((resolve) => waiting.push(resolve))
      isTaken = true
      isShort = !hasWaited
      // Who did not wait is told at the next microtask.
      begin(isShort ? 1 : microtasksOfTurn)
      return undefined
    },
  }
}
