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

/**
 * Microtasks are counted only for somebody who waits. Otherwise a turn ends with `process.nextTick`, where that comes after all
 * microtasks, as in Node: counting took Koa some 2 µs or more of a request's 35.
 *
 * @param nextTick calls what it is given when no microtask is left, or sooner, or never: found out at the first turns
 */
export function createHandlerTurns(
  nextTick: typeof process.nextTick | undefined = globalThis.process?.nextTick,
): HandlerTurns {
  const waiting: (() => void)[] = []
  let isTaken = false
  /** 0 when nobody counts. */
  let left = 0
  let isShort = false
  let turn = 0
  let ticksComeLast = false

  function count(microtasks: number): void {
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
      count(microtasksOfTurn)
    } else {
      waiting.shift()?.()
      count(microtasksOfTurn)
    }
  }

  function end(ended: number): void {
    if (ended === turn && left === 0) isTaken = false
  }

  function learn(): void {
    ticksComeLast = left === 0
  }

  function wait(): Promise<void> {
    if (left === 0) count(microtasksOfTurn)
    return new Promise((resolve) => waiting.push(resolve))
  }

  return {
    take(hasWaited) {
      if (isTaken) return wait()
      isTaken = true
      turn += 1
      isShort = !hasWaited
      // Who did not wait is told at the next microtask. Who did is in a microtask now.
      if (isShort) count(1)
      else if (ticksComeLast) nextTick?.(end, turn)
      else {
        count(microtasksOfTurn)
        nextTick?.(learn)
      }
      return undefined
    },
  }
}
