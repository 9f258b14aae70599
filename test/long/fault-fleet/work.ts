import { existsSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditPage, WriteKeys } from '../../../src/index.ts'
import type { Place } from './fleet.ts'

/** One event after the other, each until it is acknowledged. */
export async function sendAll(
  place: Place,
  sender: string,
  isOver: () => boolean,
  statuses: Record<string, number>,
  acknowledged: Set<string>,
): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  for (let number = 0; !isOver(); number++) {
    const event = `${sender}-${number}`
    for (;;) {
      const status = await send(agent, place, event)
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status === '200') break
      await sleep(50)
    }
    acknowledged.add(event)
    await sleep(10)
  }
  agent.destroy()
}

function send(agent: Agent, { port, secret }: Place, event: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${secret}:`)}`, 'content-type': 'application/json' }
  return new Promise((resolve) => {
    const asked = request({ agent, port, host: '127.0.0.1', path: '/v1/track', method: 'POST', headers })
    asked.once('error', () => resolve('no answer'))
    asked.once('response', (response) => {
      response.resume()
      response.once('end', () => resolve(String(response.statusCode)))
      response.once('error', () => resolve('no answer'))
    })
    asked.end(JSON.stringify({ type: 'track', event }))
  })
}

/** @returns the names whose change was acknowledged. */
export async function changeNames(
  manager: WriteKeys,
  keyId: string,
  isOver: () => boolean,
): Promise<string[]> {
  const changed: string[] = []
  for (let number = 0; !isOver(); number++) {
    const name = `Name ${number}`
    const isChanged = await manager.update(keyId, { name }).then(
      () => true,
      () => false,
    )
    if (isChanged) changed.push(name)
    await sleep(100)
  }
  return changed
}

export async function auditedNames(manager: WriteKeys, keyId: string): Promise<unknown[]> {
  const names: unknown[] = []
  let cursor: string | null = null
  do {
    const page: AuditPage = await manager.audit({ keyId, limit: 100, ...(cursor !== null && { cursor }) })
    names.push(...page.data.filter(({ action }) => action === 'update').map(({ after }) => after?.name))
    cursor = page.nextCursor
  } while (cursor !== null)
  return names
}

export function readHandled(log: string): { keyId: string; at: number; events: string[] }[] {
  if (!existsSync(log)) return []
  const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => {
    const [keyId, at, ...events] = line.split(' ') as [string, string, ...string[]]
    return { keyId, at: Number(at), events }
  })
}
