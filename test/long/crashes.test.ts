import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { describeWithService } from '../services.ts'
import { useFolder, usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { buildProgram, type Program } from './processes/spawn.ts'

const kills = length(200, 8)
/** Processes killed at a time. */
const atOnce = 4

let program: Program
beforeAll(async () => {
  program = await buildProgram('changer')
})
afterAll(() => program?.remove())

const actions = ['created', 'rename', 'rotate', 'revoke', 'remove']

interface Traces {
  /** The furthest step of each key that was acknowledged, and that was asked for. */
  done: Map<string, number>
  asked: Map<string, number>
}

function readTraces(log: string): Traces {
  const traces: Traces = { done: new Map(), asked: new Map() }
  if (!existsSync(log)) return traces
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [what, id, action] = line.split(' ')
    if (id === undefined) continue
    const step = what === 'created' ? 0 : actions.indexOf(action as string)
    if (what !== 'asked') traces.done.set(id, step)
    traces.asked.set(id, step)
  }
  return traces
}

/** The state of a key in the words of the steps; undefined when it is gone or never was. */
async function stateOf(keys: WriteKeys, id: string): Promise<{ step: number; audits: number }> {
  const { data } = await keys.audit({ keyId: id, limit: 100 })
  const key = await keys.get(id).catch(() => undefined)
  const audits = data.length
  if (key === undefined) return { step: 4, audits }
  expect(audits).toBe(key.version)
  if (key.status === 'revoked') return { step: 3, audits }
  if (key.secrets.length === 2) {
    expect(key.secrets.map(({ expiresAt }) => expiresAt === null)).toEqual([false, true])
    return { step: 2, audits }
  }
  return { step: key.name === 'renamed' ? 1 : 0, audits }
}

async function killAndCompare(url: string, folder: string): Promise<void> {
  const keys = createWriteKeys({ store: createSqlStore({ url, notifications: false }) })
  await keys.list()
  let checked = 0
  let interrupted = 0
  for (let round = 0; round < kills; round += atOnce) {
    const logs = Array.from({ length: atOnce }, (_, place) => join(folder, `${round + place}.log`))
    await Promise.all(
      logs.map(async (log) => {
        const running = await program.start({ url, log })
        while (!existsSync(log)) await new Promise((resolve) => setTimeout(resolve, 2))
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 400))
        await running.kill()
      }),
    )
    for (const { done, asked } of logs.map(readTraces)) {
      for (const [id, step] of asked) {
        const { step: found, audits } = await stateOf(keys, id)
        // What was acknowledged is there; beyond it at most the change that was under way, and all of it.
        expect([done.get(id), step]).toContain(found)
        expect(audits).toBe(found === 4 ? 4 : found === 3 ? 4 : found + 1)
        checked++
        if (done.get(id) !== step) interrupted++
      }
    }
  }
  console.log(
    `${kills} kills: ${checked} keys compared, ${interrupted} of them killed in the middle of a change`,
  )
  // A process now and then is killed before its first key was noted.
  expect(checked).toBeGreaterThan(kills * 0.9)
  await keys.close()
}

describe('SQLite after kill -9', () => {
  const folder = useFolder()
  it('holds the old state or the new one, and every acknowledged change', () =>
    killAndCompare(`sqlite:${join(folder, 'keys.db')}`, folder))
})

describeWithService('postgres', 'PostgreSQL after kill -9', (address) => {
  const database = usePostgresDatabase(address)
  const folder = useFolder()
  it('holds the old state or the new one, and every acknowledged change', () =>
    killAndCompare(database.url, folder))
})
