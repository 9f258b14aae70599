import { StoreError } from '../../keys/errors.ts'
import type { RedisCommands } from './redis-client.ts'
import type { RedisScript } from './redis-script.ts'

/** The way to the server, with a time-out on each question and a breaker in front of all of them. */
export interface RedisLink {
  /** False from the first time-out or failure until the server has answered; nothing but probes is sent meanwhile. */
  isUp(): boolean
  /** Runs a script on its one key. @throws when there is no answer in time; then the link is not up any more. */
  run(script: RedisScript, key: string, args: readonly string[]): Promise<unknown>
  close(): void
}

export interface RedisLinkOptions {
  commands: RedisCommands
  timeoutMs: number
  /** A cheap command that writes, so that a read-only replica does not pass for a recovery. */
  probe: (run: RedisLink['run']) => Promise<unknown>
  onDown: (error: Error) => void
  onUp: () => void
}

/** For so long after a time-out the answer may still come: a hiccup, of which nobody needs to be told. */
const hiccupMs = 200
const firstProbeMs = 100
const probeEveryMs = 250
/** A client that never settles a command must not be probed into a queue, nor be given up for good. */
const forsakenProbeMs = 5_000

export function createRedisLink(options: RedisLinkOptions): RedisLink {
  const { commands, timeoutMs } = options
  let state: 'up' | 'late' | 'down' = 'up'
  /** Whether the last question was answered in time. Who is late twice in a row is slow, which is no hiccup. */
  let wasInTime = true
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let unsettledProbe: number | undefined

  async function evaluate(script: RedisScript, key: string, args: readonly string[]): Promise<unknown> {
    try {
      return await commands.send(key, ['EVALSHA', script.sha, '1', key, ...args])
    } catch (error) {
      // A restarted server has forgotten its scripts, a new primary may never have seen them.
      if (!String((error as Error)?.message).includes('NOSCRIPT')) throw error
      return await commands.send(key, ['EVAL', script.text, '1', key, ...args])
    }
  }

  /** The question itself is the first probe: others go without the server until it is answered after all. */
  function awaitLate(answer: Promise<unknown>, error: unknown): void {
    if (closed) return
    if (state === 'up') {
      if (!wasInTime) {
        goDown(error)
        return
      }
      state = 'late'
      wasInTime = false
      timer = setTimeout(goDown, hiccupMs, error).unref()
    }
    answer.then(
      () => {
        if (state !== 'late') return
        clearTimeout(timer)
        state = 'up'
      },
      (refusal) => {
        if (state === 'late') goDown(refusal)
      },
    )
  }

  function goDown(error: unknown): void {
    if (state === 'down' || closed) return
    clearTimeout(timer)
    state = 'down'
    schedule(firstProbeMs)
    options.onDown(error instanceof Error ? error : new Error(String(error)))
  }

  function schedule(delayMs: number): void {
    timer = setTimeout(probe, delayMs)
    timer.unref()
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
      })
      .then(
        () => {
          if (closed) return
          state = 'up'
          wasInTime = true
          options.onUp()
        },
        () => {
          if (!closed) schedule(probeEveryMs)
        },
      )
  }

  return {
    isUp: () => state === 'up',
    async run(script, key, args) {
      if (state !== 'up') throw unreachable('Redis is not being asked until it has answered.')
      // Checked here, as most clients would queue the command and answer minutes later.
      if (commands.isReady() === false) {
        const error = unreachable('The Redis client is not connected.')
        goDown(error)
        throw error
      }
      const answer = evaluate(script, key, args)
      try {
        const value = await withTimeout(answer, timeoutMs)
        wasInTime = true
        return value
      } catch (error) {
        if (error instanceof LateError) awaitLate(answer, error)
        else goDown(error)
        throw error
      }
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

class LateError extends StoreError {}

/** Runs after the sockets have been read once more: when we were the ones who stalled, the answer lies there. */
export function afterPoll(run: () => void): void {
  setImmediate(run)
}

/** The value, or a rejection after `timeoutMs`; what comes later is ignored. */
export function withTimeout<T>(value: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () =>
      reject(new LateError('store_unavailable', `Redis did not answer within ${timeoutMs} ms.`))
    const timer = setTimeout(() => afterPoll(giveUp), timeoutMs)
    value.then(
      (result) => {
        clearTimeout(timer)
        resolve(result)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

function unreachable(message: string): StoreError {
  return new StoreError('store_unavailable', message)
}
