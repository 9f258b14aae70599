import { toError } from '../runtime/thrown.ts'
import { inBackground } from '../runtime/timers.ts'
import type { RedisCommands } from './client.ts'
import { createOutageReport } from './outage-report.ts'
import { PermissionError } from './refusal.ts'
import type { RunScript } from './script-runner.ts'
import { createServerProbe } from './server-probe.ts'

export interface CircuitBreakerOptions {
  commands: RedisCommands
  timeoutMs: number
  /**
   * Tries everything that the other questions do, on the cluster node that has `key`: the one that failed.
   */
  probe: (run: RunScript, key: string) => Promise<unknown>
  /** Called once per outage, and again when the server refuses another permission than before. */
  onDown: (error: Error) => void
  /** Called when the server has held for some time. */
  onUp: () => void
}

/** For this long after a time-out the answer may still come. Such a hiccup is not reported. */
const hiccupMs = 200

/** Opens at the first time-out or failure. Then only probes are sent, until one is answered. */
export interface CircuitBreaker {
  isUp(): boolean
  /** A question was answered in time. */
  answered(): void
  /**
   * A question was not answered in time. It is the first probe itself: others go without the server until it is
   * answered.
   */
  late(answer: Promise<unknown>, error: unknown, key: string): void
  /** A question failed. @param key whose node the probes ask */
  failed(error: unknown, key: string): void
  close(): void
}

export function createCircuitBreaker(options: CircuitBreakerOptions, evaluate: RunScript): CircuitBreaker {
  const report = createOutageReport(options)
  const probe = createServerProbe({
    ...options,
    evaluate,
    onAnswer() {
      state = 'up'
      wasInTime = true
      report.up()
    },
    onFailure(error) {
      // Somebody who grants one permission after the other needs to hear of the next.
      if (error instanceof PermissionError) report.down(error, true)
    },
  })
  let state: 'up' | 'late' | 'down' = 'up'
  /**
   * Whether the last question was answered in time. A server that is late twice in a row is slow: that is an
   * outage, not a hiccup.
   */
  let wasInTime = true
  let closed = false
  let hiccup: NodeJS.Timeout | undefined

  function goDown(error: unknown, key: string): void {
    if (state === 'down' || closed) return
    clearTimeout(hiccup)
    state = 'down'
    report.down(toError(error))
    probe.start(key, report.pauseMs())
  }

  return {
    isUp: () => state === 'up',
    answered() {
      wasInTime = true
    },
    late(answer, error, key) {
      if (closed) return
      if (state === 'up') {
        if (!wasInTime) {
          goDown(error, key)
          return
        }
        state = 'late'
        wasInTime = false
        hiccup = inBackground(setTimeout(goDown, hiccupMs, error, key))
      }
      answer.then(
        () => {
          if (state !== 'late') return
          clearTimeout(hiccup)
          state = 'up'
        },
        (refusal) => {
          if (state === 'late') goDown(refusal, key)
        },
      )
    },
    failed: goDown,
    close() {
      closed = true
      clearTimeout(hiccup)
      probe.close()
      report.close()
    },
  }
}
