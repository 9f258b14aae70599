import { inBackground } from '../runtime/timers.ts'
import type { RedisCommands } from './client.ts'
import { withTimeout } from './late-answer.ts'
import type { RunScript } from './script-runner.ts'

export interface ServerProbeOptions {
  commands: Pick<RedisCommands, 'isReady'>
  evaluate: RunScript
  timeoutMs: number
  /**
   * Tries everything that the other questions do, on the cluster node that has `key`: the one that failed.
   */
  probe: (run: RunScript, key: string) => Promise<unknown>
  onAnswer: () => void
  onFailure: (error: unknown) => void
}

/** Asks a server that has failed until it answers. */
export interface ServerProbe {
  /** @param failedKey the key of the question that failed */
  start(failedKey: string, pauseMs: number): void
  close(): void
}

const probeEveryMs = 250
/** A client that never settles a command must not be probed into a queue, nor given up for good. */
const forsakenProbeMs = 5_000

export function createServerProbe(options: ServerProbeOptions): ServerProbe {
  const { commands, evaluate, timeoutMs, onAnswer, onFailure } = options
  let closed = false
  let timer: NodeJS.Timeout | undefined
  /** When the probe that the client has not settled was sent. */
  let unsettled: number | undefined
  let failedKey = ''

  function schedule(delayMs: number): void {
    timer = inBackground(setTimeout(probe, delayMs))
  }

  const settle = () => {
    unsettled = undefined
  }

  const run: RunScript = (script, key, args) => {
    const answer = evaluate(script, key, args)
    answer.then(settle, settle)
    return withTimeout(answer, timeoutMs)
  }

  function probe(): void {
    const now = performance.now()
    const waits = unsettled !== undefined && now - unsettled < forsakenProbeMs
    if (waits || commands.isReady() === false) {
      schedule(probeEveryMs)
      return
    }
    unsettled = now
    options.probe(run, failedKey).then(
      () => {
        if (!closed) onAnswer()
      },
      (error: unknown) => {
        if (closed) return
        onFailure(error)
        schedule(probeEveryMs)
      },
    )
  }

  return {
    start(key, pauseMs) {
      failedKey = key
      schedule(pauseMs)
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
