import { StoreError } from '../runtime/errors.ts'
import { type CircuitBreakerOptions, createCircuitBreaker } from './circuit-breaker.ts'
import { isLate, withTimeout } from './late-answer.ts'
import { createScriptRunner, type RunScript } from './script-runner.ts'

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

export interface RedisLinkOptions extends CircuitBreakerOptions {
  /** The prefix of all keys. */
  prefix: string
}

export function createRedisLink(options: RedisLinkOptions): RedisLink {
  const { commands, timeoutMs } = options
  const evaluate = createScriptRunner(commands, options.prefix)
  const breaker = createCircuitBreaker(options, evaluate)

  return {
    isUp: breaker.isUp,
    async run(script, key, args) {
      if (!breaker.isUp()) throw unreachable('Redis is not being asked until it has answered.')
      // Checked here, because most clients would queue the command and answer minutes later.
      if (commands.isReady() === false) {
        const error = unreachable('The Redis client is not connected.')
        breaker.failed(error, key)
        throw error
      }
      const answer = evaluate(script, key, args)
      try {
        const value = await withTimeout(answer, timeoutMs)
        breaker.answered()
        return value
      } catch (error) {
        if (isLate(error)) breaker.late(answer, error, key)
        else breaker.failed(error, key)
        throw error
      }
    },
    distrust: breaker.failed,
    close: breaker.close,
  }
}

function unreachable(message: string): StoreError {
  return new StoreError('store_unavailable', message)
}
