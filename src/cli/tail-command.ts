import type { z } from 'zod'
import type { decisionSchema } from '../admin/routes/debugger.ts'
import { keyPath } from './chosen-key.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import type { CommandRun } from './command-run.ts'
import { coloured, noteLine, paint, printable, printLine } from './terminal.ts'

type Decision = z.output<typeof decisionSchema>

/** Something that runs until it is told to stop. */
export interface Following {
  stop(): Promise<void>
  /** Rejects when it cannot go on. */
  readonly failed?: Promise<never>
}

/** Decisions from before that are shown first. */
const shownAtFirst = 10
/**
 * Number of decisions that a resumed stream begins with: the missed ones, and some that were shown before.
 */
const askedAgain = 100
const firstRetryMs = 500
const longestRetryMs = 10_000

/** Prints the decisions of all processes that share a store, live. */
export async function tail(run: CommandRun): Promise<Following> {
  const { values, client, terminal } = run
  const { scope } = await client.read<{ scope: 'fleet' | 'process' }>('/debugger', { limit: 1 })
  if (scope === 'process') {
    if (values.api === undefined)
      throw usageError('This store does not share decisions between processes. Name a server with --api.')
    noteLine(
      terminal,
      'Only decisions of the process that answers are shown: its store does not share them.',
      'dim',
    )
  }
  // Nothing would ever come of a mistyped id.
  if (values.key !== undefined) await client.call(keyPath({ args: [String(values.key)] }))
  const leaving = new AbortController()
  const filter = { key_id: values.key, outcome: values.refused === true ? 'refused' : undefined }
  /** The decisions shown lately, by ref. Ids start again with each server; refs do not. */
  const shown = new Set<string>()
  let isFirst = true

  async function readOnce(): Promise<void> {
    const query = { ...filter, limit: isFirst ? shownAtFirst : askedAgain }
    const stream = await client.follow('/debugger', query, leaving.signal)
    await readEvents(stream, leaving.signal, (event, data) => {
      if (event === 'missed')
        noteLine(
          terminal,
          `${(JSON.parse(data) as { count: number }).count} more decisions were too many to show.`,
          'warn',
        )
      if (event !== 'decision') return
      const decision = JSON.parse(data) as Decision
      isFirst = false
      if (shown.has(decision.ref)) return
      shown.add(decision.ref)
      if (shown.size > 2 * askedAgain) shown.delete(shown.values().next().value as string)
      show(run, decision)
    })
  }

  /** Continues after a restart of the server, and ends when the server refuses. */
  async function follow(): Promise<never> {
    for (let waitMs = firstRetryMs, isTold = false; !leaving.signal.aborted; ) {
      try {
        await readOnce()
        isTold = false
        waitMs = firstRetryMs
      } catch (error) {
        if (leaving.signal.aborted) break
        if (error instanceof CliError && error.exitCode !== exitCodes.unavailable) throw error
        if (!isTold) noteLine(terminal, `${(error as Error).message} Trying again.`, 'warn')
        isTold = true
        waitMs = Math.min(longestRetryMs, waitMs * 2)
      }
      await pause(waitMs, leaving.signal)
    }
    return new Promise<never>(() => {})
  }

  // Nothing else keeps the process alive while it waits.
  const alive = setInterval(() => {}, 60_000)
  return {
    failed: follow(),
    async stop() {
      clearInterval(alive)
      leaving.abort()
      await client.close()
    },
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** Server-sent events, until the stream ends or `signal` says so. */
async function readEvents(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  take: (event: string, data: string) => void,
): Promise<void> {
  const reader = stream.getReader()
  const leave = () => void reader.cancel().catch(() => {})
  signal.addEventListener('abort', leave, { once: true })
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      const messages = text.split('\n\n')
      text = messages.pop() as string
      for (const message of messages) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/m.exec(message) ?? []
        if (event !== undefined && data !== undefined) take(event, data)
      }
    }
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

function show({ values, terminal }: CommandRun, decision: Decision): void {
  if (values.json === true) {
    printLine(terminal, JSON.stringify(decision))
    return
  }
  const { at, process, reason, status, key, key_id, types, names, origin, address, would_refuse } = decision
  const what = [...types.slice(0, 1), ...names.slice(0, 1).map((name) => JSON.stringify(name))]
  const outcome = `${status} ${reason ?? (would_refuse === null ? 'accepted' : `accepted, trial: ${would_refuse}`)}`
  const parts = [
    at,
    process,
    outcome,
    key === null
      ? (key_id ?? '-')
      : `${key.name} (${[key.environment, ...(key.workspace === null ? [] : [key.workspace]), `${key.start ?? '-'}…`].join(', ')})`,
    what.join(' ') || '-',
    origin ?? '-',
    address ?? '-',
  ].map(printable)
  if (coloured(terminal, 'stdout')) {
    parts[0] = paint(parts[0] as string, 'dim')
    parts[2] = paint(parts[2] as string, reason !== null ? 'bad' : would_refuse === null ? 'good' : 'warn')
  }
  terminal.stdout.write(`${parts.join('  ')}\n`)
}
