import { withDeadline } from '../runtime/deadline.ts'
import { StoreError } from '../runtime/errors.ts'
import { inBackground } from '../runtime/timers.ts'
import type { RedisCommands } from './client.ts'
import { createOutageReport } from './outage-report.ts'
import { explainRefusal, PermissionError } from './refusal.ts'
import type { RedisScript } from './script.ts'

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
  run(script: RedisScript, key: string, args: readonly string[]): Promise<unknown>
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
  probe: (run: RedisLink['run'], key: string) => Promise<unknown>
  /** Called once per outage, and again when the server refuses another permission than before. */
  onDown: (error: Error) => void
  /** Called when the server has held for some time. */
  onUp: () => void
}

/** For this long after a time-out the answer may still come. Such a hiccup is not reported. */
const hiccupMs = 200
const probeEveryMs = 250
/** A client that never settles a command must not be probed into a queue, nor given up for good. */
const forsakenProbeMs = 5_000

export function createRedisLink(options: RedisLinkOptions): RedisLink {
  const { commands, timeoutMs, prefix } = options
  const report = createOutageReport(options)
  /** Scripts on their way to a server that had none, so that not every question carries one. */
  const loading = new Map<RedisScript, Promise<unknown>>()
  let state: 'up' | 'late' | 'down' = 'up'
  /**
   * Whether the last question was answered in time. A server that is late twice in a row is slow: that is an
   * outage, not a hiccup.
   */
  let wasInTime = true
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let unsettledProbe: number | undefined
  let failedKey = ''

  async function send(script: RedisScript, key: string, args: readonly string[]): Promise<unknown> {
    const rest = ['1', key, ...args]
    const sendSha = () => commands.send(key, ['EVALSHA', script.sha, ...rest])
    try {
      return await sendSha()
    } catch (error) {
      // A restarted server has forgotten its scripts. A new primary may never have seen them.
      if (!isUnknownScript(error)) throw error
    }
    const others = loading.get(script)
    if (others !== undefined) {
      await others.catch(() => {})
      try {
        return await sendSha()
      } catch (error) {
        if (!isUnknownScript(error)) throw error
      }
    }
    const answer = commands.send(key, ['EVAL', script.text, ...rest])
    loading.set(script, answer)
    const forget = () => {
      if (loading.get(script) === answer) loading.delete(script)
    }
    answer.then(forget, forget)
    return await answer
  }

  async function evaluate(script: RedisScript, key: string, args: readonly string[]): Promise<unknown> {
    try {
      return await send(script, key, args)
    } catch (error) {
      throw explainRefusal(error, { command: 'EVALSHA, EVAL', pattern: `${prefix}*` })
    }
  }

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
      timer = inBackground(setTimeout(goDown, hiccupMs, error, key))
    }
    answer.then(
      () => {
        if (state !== 'late') return
        clearTimeout(timer)
        state = 'up'
      },
      (refusal) => {
        if (state === 'late') goDown(refusal, key)
      },
    )
  }

  function goDown(error: unknown, key: string): void {
    if (state === 'down' || closed) return
    clearTimeout(timer)
    state = 'down'
    failedKey = key
    report.down(error instanceof Error ? error : new Error(String(error)))
    schedule(report.pauseMs())
  }

  function schedule(delayMs: number): void {
    timer = setTimeout(probe, delayMs)
    inBackground(timer)
  }

  function probe(): void {
    const now = performance.now()
    const waits = unsettledProbe !== undefined && now - unsettledProbe < forsakenProbeMs
    if (waits || commands.isReady() === false) {
      schedule(probeEveryMs)
      return
    }
    unsettledProbe = now
    const settle = () => {
      unsettledProbe = undefined
    }
    options
      .probe((script, key, args) => {
        const answer = evaluate(script, key, args)
        answer.then(settle, settle)
        return withTimeout(answer, timeoutMs)
      }, failedKey)
      .then(
        () => {
          if (closed) return
          state = 'up'
          wasInTime = true
          report.up()
        },
        (error: unknown) => {
          if (closed) return
          // Somebody who grants one permission after the other needs to hear of the next.
          if (error instanceof PermissionError) report.down(error, true)
          schedule(probeEveryMs)
        },
      )
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
        if (error instanceof LateError) awaitLate(answer, error, key)
        else goDown(error, key)
        throw error
      }
    },
    distrust: goDown,
    close() {
      closed = true
      clearTimeout(timer)
      report.close()
    },
  }
}

function isUnknownScript(error: unknown): boolean {
  return String((error as Error)?.message).includes('NOSCRIPT')
}

class LateError extends StoreError {}

export function isLate(error: unknown): boolean {
  return error instanceof LateError
}

/** The answer of Redis, or a rejection after `timeoutMs`; a later answer is ignored. */
export function withTimeout<T>(value: Promise<T>, timeoutMs: number): Promise<T> {
  return withDeadline(value, timeoutMs, () => {
    throw new LateError('store_unavailable', `Redis did not answer within ${timeoutMs} ms.`)
  })
}

function unreachable(message: string): StoreError {
  return new StoreError('store_unavailable', message)
}
