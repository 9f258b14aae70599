import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import { type Api, ApiError, isUnanswered } from '../api/client.ts'
import type { WriteKey } from '../api/wire.ts'
import { hold } from '../guard.ts'
import { type Task, useTask } from '../parts/task.ts'
import { useApi } from '../session.ts'
import { errorText } from '../words/fields.ts'

export type BulkAction = 'pause' | 'revoke'

export const pastTense: Readonly<Record<BulkAction, 'paused' | 'revoked'>> = {
  pause: 'paused',
  revoke: 'revoked',
}

interface FailedKey {
  key: WriteKey
  text: string
  isGone: boolean
}

export interface BulkOutcome {
  action: BulkAction
  done: number
  /** Their answers were lost: the action may have happened. */
  unknown: WriteKey[]
  failed: FailedKey[]
  /** The server answers, but no longer to this person. */
  isRefused: boolean
}

interface BulkRun {
  outcome: BulkOutcome | null
  task: Task<[action: BulkAction]>
  dismiss: () => void
}

const atOnce = 4

/** Keys that could not be changed stay chosen. */
export function useBulkRun(chosen: WriteKey[], onDone: (stillChosen: WriteKey[]) => void): BulkRun {
  const api = useApi()
  const [outcome, setOutcome] = useState<BulkOutcome | null>(null)
  const task = useTask(async (action: BulkAction) => {
    const next = await changeAll(api, action, chosen)
    setOutcome(next)
    onDone(keysLeft(next))
  })

  // Until somebody has read what went wrong, a session that has ended does not take it away.
  const isBad = outcome !== null && outcome.unknown.length + outcome.failed.length > 0
  useLayoutEffect(() => (isBad ? hold() : undefined), [isBad])

  useEffect(() => {
    if (outcome === null || outcome.unknown.length === 0) return
    let isCurrent = true
    const lookAgain = async () => {
      const next = await readAgain(api, outcome)
      if (!isCurrent) return
      setOutcome(next)
      if (next.unknown.length < outcome.unknown.length) onDone(keysLeft(next))
    }
    const timer = setTimeout(() => void lookAgain(), outcome.isRefused ? 15_000 : 2_000)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [outcome])

  return { outcome, task, dismiss: () => setOutcome(null) }
}

async function changeAll(api: Api, action: BulkAction, chosen: readonly WriteKey[]): Promise<BulkOutcome> {
  const outcome: BulkOutcome = { action, done: 0, unknown: [], failed: [], isRefused: false }
  await forEachOf(chosen, async (key) => {
    try {
      await (action === 'pause' ? api.pauseKey(key.id) : api.revokeKey(key.id))
      outcome.done++
    } catch (error) {
      if (isUnanswered(error)) outcome.unknown.push(key)
      else outcome.failed.push(toFailure(key, error))
    }
  })
  return outcome
}

/** What has become of the keys whose answers were lost, as far as the server says. */
async function readAgain(api: Api, before: BulkOutcome): Promise<BulkOutcome> {
  const next: BulkOutcome = { ...before, unknown: [], failed: [...before.failed], isRefused: false }
  const wanted = pastTense[before.action]
  await forEachOf(before.unknown, async (key) => {
    try {
      const { status } = await api.getKey(key.id)
      if (status === wanted) next.done++
      else
        next.failed.push({ key, text: `It is not ${wanted}, but ${status}.`, isGone: status === 'revoked' })
    } catch (error) {
      const isGone = error instanceof ApiError && error.status === 404
      if (isGone) next.failed.push(toFailure(key, error))
      else next.unknown.push(key)
      if (!isUnanswered(error)) next.isRefused = true
    }
  })
  return next
}

/** Those that can be tried again. */
function keysLeft({ unknown, failed }: BulkOutcome): WriteKey[] {
  return [...unknown, ...failed.filter(({ isGone }) => !isGone).map(({ key }) => key)]
}

function toFailure(key: WriteKey, error: unknown): FailedKey {
  const isGone = error instanceof ApiError && error.status === 404
  return { key, text: isGone ? 'It was deleted meanwhile.' : errorText(error), isGone }
}

async function forEachOf(keys: readonly WriteKey[], run: (key: WriteKey) => Promise<void>): Promise<void> {
  const waiting = [...keys]
  const work = async () => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) await run(key)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}
