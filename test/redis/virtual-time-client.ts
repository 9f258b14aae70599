import type { createClient } from 'redis'
import type { ManualClock } from '../contract/limiter-contract.ts'

type NodeRedis = Pick<ReturnType<typeof createClient>, 'sendCommand'>

/**
 * A client whose server seems to live by a manual clock: the scripts that pass through read that clock where they would
 * ask the server for the time, and keys live for ten minutes of real time whatever the script says.
 */
export function withVirtualTime(client: NodeRedis, clock: ManualClock, timeKey: string) {
  let told = Number.NaN
  let telling: Promise<void> | undefined

  async function tell(nowUs: number): Promise<void> {
    const seconds = Math.floor(nowUs / 1e6)
    await client.sendCommand(['DEL', timeKey])
    await client.sendCommand(['RPUSH', timeKey, String(seconds), String(nowUs - seconds * 1e6)])
    await client.sendCommand(['PEXPIRE', timeKey, '600000'])
  }

  return {
    async sendCommand(args: string[]): Promise<unknown> {
      const [command, script, ...rest] = args as [string, string, ...string[]]
      if (command === 'EVALSHA') throw new Error('NOSCRIPT this one has to be rewritten')
      const nowUs = Math.floor(clock.monotonic() * 1000 + 0.0005) + 1_700_000_000_000_000
      if (nowUs !== told) {
        told = nowUs
        telling = tell(nowUs)
      }
      await telling
      const rewritten = script
        .replaceAll("call('TIME')", `call('LRANGE', '${timeKey}', 0, 1)`)
        .replaceAll('local lifeMs = math.ceil', 'local lifeMs = 600000 + math.ceil')
        .replaceAll(/call\('PEXPIRE', KEYS\[1\], \d+\)/g, "call('PEXPIRE', KEYS[1], 600000)")
      if (rewritten === script) throw new Error('the script has no time to be rewritten')
      return await client.sendCommand([command, rewritten, ...rest])
    },
  }
}
