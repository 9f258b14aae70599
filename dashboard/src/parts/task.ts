import { useRef, useState } from 'preact/hooks'

/** A call started by a click. Only one runs at a time. Its error is kept to be shown. */
export interface Task<Args extends unknown[] = []> {
  start: (...args: Args) => Promise<void>
  busy: boolean
  error: unknown
}

export function useTask<Args extends unknown[]>(run: (...args: Args) => Promise<unknown>): Task<Args> {
  const [busy, setBusy] = useState(false)
  // A second click may come before the page has been drawn.
  const isRunning = useRef(false)
  const [error, setError] = useState<unknown>(null)
  async function start(...args: Args): Promise<void> {
    if (isRunning.current) return
    isRunning.current = true
    setBusy(true)
    setError(null)
    try {
      await run(...args)
    } catch (caught) {
      setError(caught)
    }
    isRunning.current = false
    setBusy(false)
  }
  return { start, busy, error }
}
