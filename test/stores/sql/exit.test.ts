import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram, type Program } from '../../long/processes/spawn.ts'
import { describeWithService } from '../../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

let program: Program
let debugging: Program

beforeAll(async () => {
  program = await buildProgram('unclosed-keys')
  debugging = await buildProgram('unwatched-debugger')
}, 60_000)
afterAll(() => {
  program.remove()
  debugging.remove()
})

function itExits(url: () => string): void {
  it('ends by itself, although nobody closes the keys', async () => {
    const { child, kill } = await program.start({ url: url() })
    const exited = once(child, 'exit').then(([code]) => code as number | null)
    const outcome = await Promise.race([exited, pause(10_000, 'still running', { ref: false })])
    if (outcome === 'still running') await kill()
    expect(outcome).toBe(0)
  }, 30_000)
}

describe('a script with its keys in SQLite', () => {
  const folder = useFolder()
  itExits(() => `sqlite:${join(folder, 'keys.db')}`)

  it('has the answer of the debugger before it ends, although it waits for nothing else', async () => {
    const { child, kill } = await debugging.start({ url: `sqlite:${join(folder, 'debugger.db')}` })
    const exited = once(child, 'exit').then(([code]) => code as number | null)
    const outcome = await Promise.race([exited, pause(20_000, 'still running', { ref: false })])
    if (outcome === 'still running') await kill()
    expect(outcome).toBe(0)
  }, 40_000)
})

describeWithService('postgres', 'a script with its keys in PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  itExits(() => database.url)
})

describeWithService('mysql', 'a script with its keys in MySQL', (address) => {
  const database = useMysqlDatabase(address)
  itExits(() => database.url)
})
