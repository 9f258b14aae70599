import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import type { RollingServerOptions } from '../processes/rolling-server.ts'
import type { Program, Running } from '../processes/spawn.ts'

/** A process of the fleet, and the connections of senders to it. */
export interface Member {
  readonly worker: Running
  readonly port: number
  readonly agent: Agent
}

/** Processes that senders find, as behind a proxy that takes turns. */
export function createFleet(options: Omit<RollingServerOptions, 'log'>, logs: string) {
  const members: Member[] = []
  let started = 0
  let turn = 0

  async function start(program: Program): Promise<Member> {
    const worker = await program.start({ ...options, log: join(logs, String(started++)) })
    const port = await worker.ask<number>({ type: 'port' })
    const member = { worker, port, agent: new Agent({ keepAlive: true }) }
    members.push(member)
    return member
  }

  /** @returns its exit code */
  async function end(member: Member): Promise<unknown> {
    if (members.includes(member)) members.splice(members.indexOf(member), 1)
    const gone = once(member.worker.child, 'exit')
    member.worker.child.kill('SIGTERM')
    const [code] = await gone
    member.agent.destroy()
    return code
  }

  return {
    members,
    start,
    end,
    next: () => members[turn++ % members.length] as Member,
    /** Names of the events that handlers of any process were given, by key. */
    handled(): Map<string, string[]> {
      const byKey = new Map<string, string[]>()
      for (const file of readdirSync(logs)) {
        for (const line of readFileSync(join(logs, file), 'utf8').split('\n').filter(Boolean)) {
          const [keyId, ...names] = line.split(' ') as [string, ...string[]]
          const all = byKey.get(keyId) ?? []
          if (!byKey.has(keyId)) byKey.set(keyId, all)
          all.push(...names)
        }
      }
      return byKey
    },
    async kill() {
      await Promise.all(members.map(({ worker }) => worker.kill()))
    },
  }
}

export type Fleet = ReturnType<typeof createFleet>
