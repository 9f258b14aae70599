import type { RedisCommands } from './client.ts'
import { explainRefusal } from './refusal.ts'
import type { RedisScript } from './script.ts'

/** Runs a script on its one key, and loads it where the server does not have it. */
export type RunScript = (script: RedisScript, key: string, args: readonly string[]) => Promise<unknown>

/** @param prefix of all keys, for the explanation of a refusal. */
export function createScriptRunner(commands: Pick<RedisCommands, 'send'>, prefix: string): RunScript {
  /** Scripts on their way to a server that had none, so that not every question carries one. */
  const loading = new Map<RedisScript, Promise<unknown>>()

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

  return async (script, key, args) => {
    try {
      return await send(script, key, args)
    } catch (error) {
      throw explainRefusal(error, { command: 'EVALSHA, EVAL', pattern: `${prefix}*` })
    }
  }
}

function isUnknownScript(error: unknown): boolean {
  return String((error as Error)?.message).includes('NOSCRIPT')
}
