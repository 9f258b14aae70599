import { StoreError } from '../runtime/errors.ts'
import { inBackground } from '../runtime/timers.ts'
import type { RedisCommands } from './client.ts'
import { isLate, withTimeout } from './late-answer.ts'
import { createOutageReport } from './outage-report.ts'
import { PermissionError } from './refusal.ts'
import { createScriptRunner, type RunScript } from './script-runner.ts'
import { createServerProbe } from './server-probe.ts'

/**
 * The connection to the server as the limiter sees it: a time-out on each question and a circuit breaker in
 * front of all of them.
 */
export interface RedisLink {
  /**
   * False from the first time-out or failure until the server has answered. Only probes are sent meanwhile.
   */
  isUp(): boolean
  /** Runs a script on its one key. @throws when there is no answer in time; the link is down from then on. */
  run: RunScript
  /** The server answers, but its answer for this key cannot be relied on: this counts as an outage. */
  distrust(error: Error, key: string): void
  close(): void
}

export interface RedisLinkOptions {
  commands: RedisCommands
  timeoutMs: number
  /** The prefix of all keys. */
  prefix: string
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

export function createRedisLink(options: RedisLinkOptions): RedisLink {
  const { commands, timeoutMs } = options
  const report = createOutageReport(options)
  const evaluate = createScriptRunner(commands, options.prefix)
  const probe = createServerProbe({
    commands,
    evaluate,
    timeoutMs,
    probe: options.probe,
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

  /** The late question itself is the first probe: others go without the server until it is answered. */
  function awaitLate(answer: Promise<unknown>, error: unknown, key: string): void {
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
  }

  function goDown(error: unknown, key: string): void {
    if (state === 'down' || closed) return
    clearTimeout(hiccup)
    state = 'down'
    report.down(error instanceof Error ? error : new Error(String(error)))
    probe.start(key, report.pauseMs())
  }

  return {
    isUp: () => state === 'up',
    async run(script, key, args) {
      if (state !== 'up') throw unreachable('Redis is not being asked until it has answered.')
      // Checked here, because most clients would queue the command and answer minutes later.
      if (commands.isReady() === false) {
        const error = unreachable('The Redis client is not connected.')
        goDown(error, key)
        throw error
      }
      const answer = evaluate(script, key, args)
      try {
        const value = await withTimeout(answer, timeoutMs)
        wasInTime = true
        return value
      } catch (error) {
        if (isLate(error)) awaitLate(answer, error, key)
        else goDown(error, key)
        throw error
      }
    },
    distrust: goDown,
    close() {
      closed = true
      clearTimeout(hiccup)
      probe.close()
      report.close()
    },
  }
}

function unreachable(message: string): StoreError {
  return new StoreError('store_unavailable', message)
}
