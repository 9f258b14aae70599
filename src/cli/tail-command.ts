import type { z } from 'zod'
import { createKeyNames } from '../admin/key-names.ts'
import { type decisionSchema, toDecisionJson } from '../admin/routes/debugger.ts'
import type { WriteKeys } from '../index.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import type { CommandRun } from './command-run.ts'
import { noteLine, printLine } from './terminal.ts'

type Decision = z.output<typeof decisionSchema>

/** Something that goes on until it is told to stop. */
export interface Following {
  stop(): Promise<void>
}

type Run = Omit<CommandRun, 'keys'>

/** Prints the decisions of all processes that share a store, as they fall. */
export async function tailStore(run: Run, keys: WriteKeys): Promise<Following> {
  const { activity } = keys
  if (activity.scope === 'process') {
    throw usageError('This store carries nothing from one process to another. Name a server with --api.')
  }
  const keyNames = createKeyNames(keys, Date.now)
  let printing = Promise.resolve()
  const leave = activity.decisions.subscribe(
    (decision) => {
      printing = printing.then(async () => {
        const names = await keyNames.of([decision.keyId])
        show(run, toDecisionJson(decision, names))
      })
    },
    undefined,
    (count) => showMissed(run, count),
  )
  // Everything else lets a process end that has nothing to do.
  const alive = setInterval(() => {}, 60_000)
  return {
    async stop() {
      clearInterval(alive)
      leave()
      await printing
      await keys.close()
    },
  }
}

/** The same, as a server of the management API tells it. */
export async function tailApi(run: Run, api: string): Promise<Following> {
  const { values, terminal } = run
  const token = typeof values.token === 'string' ? values.token : terminal.env.WRITEKEY_TOKEN
  if (token === undefined || token === '')
    throw usageError('Give a management token with --token, or as WRITEKEY_TOKEN.')
  const leaving = new AbortController()
  const response = await fetch(debuggerUrl(api), {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    signal: leaving.signal,
  }).catch((error: Error) => {
    throw new CliError(exitCodes.unavailable, `The server at --api does not answer: ${error.message}.`)
  })
  if (!response.ok || response.body === null) {
    await response.body?.cancel()
    const problem =
      response.status === 401 ? 'it does not know this management token' : `it answered ${response.status}`
    throw new CliError(exitCodes.refused, `The server at --api refused: ${problem}.`)
  }
  const reading = readStream(run, response.body).catch((error: Error) => {
    if (!leaving.signal.aborted) noteLine(terminal, `writekey: the stream ended: ${error.message}`)
  })
  return {
    async stop() {
      leaving.abort()
      await reading
    },
  }
}

function debuggerUrl(api: string): URL {
  try {
    return new URL(`${api.replace(/\/+$/, '')}/api/v1/events/debugger`)
  } catch {
    throw usageError('--api must be the URL of a server, such as https://events.example.com.')
  }
}

async function readStream(run: Run, body: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    const messages = text.split('\n\n')
    text = messages.pop() as string
    for (const message of messages) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/m.exec(message) ?? []
      if (event === 'decision') show(run, JSON.parse(data as string) as Decision)
      if (event === 'missed') showMissed(run, (JSON.parse(data as string) as { count: number }).count)
    }
  }
}

function show({ values, terminal }: Run, decision: Decision): void {
  if (values.refused === true && decision.verdict !== 'refused') return
  if (values.key !== undefined && decision.key_id !== values.key) return
  if (values.json === true) {
    printLine(terminal, JSON.stringify(decision))
    return
  }
  const { at, process, reason, status, key, key_id, types, names, origin, address } = decision
  const what = [...types.slice(0, 1), ...names.slice(0, 1).map((name) => JSON.stringify(name))]
  const line = [
    at,
    process,
    `${status} ${reason ?? 'accepted'}`,
    key === null ? (key_id ?? '-') : `${key.name} (${key.environment}, ${key.start ?? '-'}…)`,
    what.join(' ') || '-',
    origin ?? '-',
    address ?? '-',
  ]
  printLine(terminal, line.join('  '))
}

function showMissed({ terminal }: Run, count: number): void {
  noteLine(terminal, `writekey: ${count} more decisions were too many to show.`)
}
