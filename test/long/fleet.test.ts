import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { useFolder, usePostgresDatabase } from '../stores/sql/databases.ts'
import { buildProgram, type Program, type Running } from './processes/spawn.ts'

const token = 'a-management-token-of-this-test-alone'
const soonMs = 2_000

let program: Program
let running: Running[] = []
beforeAll(async () => {
  program = await buildProgram('watched-server')
})
afterEach(async () => {
  await Promise.all(running.map((one) => one.kill()))
  running = []
})
afterAll(() => program?.remove())

interface Served {
  name: string
  port: number
}

async function start(url: string, count: number): Promise<{ served: Served[]; key: string; id: string }> {
  const served: Served[] = []
  let made = { key: '', id: '' }
  for (let index = 0; index < count; index++) {
    const name = `web-${index}`
    const process = await program.start({ url, name, token })
    running.push(process)
    if (index === 0) made = await process.ask({ type: 'createKey' })
    served.push({ name, port: await process.ask({ type: 'listen' }) })
  }
  return { served, ...made }
}

const send = (port: number, key: string, event: string, origin?: string) =>
  fetch(`http://127.0.0.1:${port}/v1/track`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${key}:`)}`,
      'content-type': 'application/json',
      ...(origin !== undefined && { origin }),
    },
    body: JSON.stringify({ event }),
  })

const ask = async (port: number, path: string) =>
  (
    await fetch(`http://127.0.0.1:${port}/api/v1/events/${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
  ).json() as Promise<{ data: { process: string }[]; scope: string }>

/** A debugger that is open: what it has shown so far, and since when. */
async function openDebugger({ port }: Served, query = '') {
  const leaving = new AbortController()
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/events/debugger${query}`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    signal: leaving.signal,
  })
  const shown = new Map<string, number>()
  let text = ''
  const reading = (async () => {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += new TextDecoder().decode(chunk)
      const messages = text.split('\n\n')
      text = messages.pop() as string
      for (const message of messages) {
        const data = /^event: decision\ndata: (.*)$/m.exec(message)?.[1]
        if (data === undefined) continue
        const { process, names } = JSON.parse(data) as { process: string; names: string[] }
        shown.set(`${process} ${names[0] ?? ''}`, performance.now())
      }
    }
  })().catch(() => {})
  return {
    shown,
    async close() {
      leaving.abort()
      await reading
    },
  }
}

function fleetTests(url: () => string, count: number): void {
  it('shows each decision of any process in the debugger of every other within 2 s', async () => {
    const { served, key } = await start(url(), count)
    // Each has a key to look for changes of, as any that serves has.
    for (const { port } of served) expect((await send(port, key, 'before')).status).toBe(200)
    const debuggers = await Promise.all(served.map((one) => openDebugger(one)))
    for (const round of ['first', 'second', 'third']) {
      const sentAt = performance.now()
      await Promise.all(served.map(({ port }) => send(port, key, round)))
      const wanted = served.map(({ name }) => `${name} ${round}`)
      await expect
        .poll(() => debuggers.map(({ shown }) => wanted.filter((one) => !shown.has(one))), {
          timeout: 15_000,
        })
        .toEqual(debuggers.map(() => []))
      const slowest = Math.max(
        ...debuggers.flatMap(({ shown }) => wanted.map((one) => shown.get(one) as number)),
      )
      console.info(
        `${count} processes, ${round}: all shown ${Math.round(slowest - sentAt)} ms after it was sent`,
      )
      expect(slowest - sentAt).toBeLessThan(soonMs)
      await sleep(1_000)
    }
    // What came before somebody looked is shown as well.
    expect(debuggers.map(({ shown }) => served.filter(({ name }) => !shown.has(`${name} before`)))).toEqual(
      debuggers.map(() => []),
    )
    await Promise.all(debuggers.map((one) => one.close()))
  })

  it('shows problems of all processes as one, and answers who asks once', async () => {
    const { served, key, id } = await start(url(), count)
    for (const { port } of served)
      expect((await send(port, key, 'refused', 'https://new.example')).status).toBe(403)
    const last = served.at(-1) as Served
    const askedAt = performance.now()
    const { data, scope } = await ask(last.port, `debugger?key_id=${id}`)
    expect(performance.now() - askedAt).toBeLessThan(soonMs)
    expect(scope).toBe('fleet')
    expect(data.map((decision) => decision.process).toSorted()).toEqual(served.map(({ name }) => name))
    await expect
      .poll(async () => (await ask(last.port, `problems?key_id=${id}`)).data, { timeout: 20_000 })
      .toMatchObject([{ reason: 'origin_not_allowed', origin: 'https://new.example', count }])
  })
}

describeWithService('postgres', 'four processes on PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  fleetTests(() => database.url, 4)
})

describe('two processes on SQLite', () => {
  const folder = useFolder()
  fleetTests(() => `sqlite:${join(folder, 'keys.db')}`, 2)
})
