import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

/** A call that was asked for by a click: one at a time, its failure kept for showing. */
export function useTask<Args extends unknown[]>(run: (...args: Args) => Promise<unknown>) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  async function start(...args: Args): Promise<void> {
    if (busy) return
    setBusy(true)
    setError(null)
    try {
      await run(...args)
    } catch (caught) {
      setError(caught)
    }
    setBusy(false)
  }
  return { start, busy, error }
}

/** Data that a view shows: read when the view opens, when `key` changes, and on `reload`. */
export function useData<T>(key: string, read: () => Promise<T>, refreshMs?: number) {
  const [data, setData] = useState<T | null>(null)
  const [error, setError] = useState<unknown>(null)
  const latest = useRef(0)
  const reader = useRef(read)
  reader.current = read

  const reload = useCallback(async () => {
    const turn = ++latest.current
    try {
      const value = await reader.current()
      if (turn !== latest.current) return
      setData(() => value)
      setError(null)
    } catch (caught) {
      if (turn === latest.current) setError(caught)
    }
  }, [])

  useEffect(() => {
    setData(null)
    setError(null)
    void reload()
    return () => {
      latest.current++
    }
  }, [key, reload])

  useEffect(() => {
    if (refreshMs === undefined) return
    const timer = setInterval(() => {
      if (!document.hidden) void reload()
    }, refreshMs)
    return () => clearInterval(timer)
  }, [refreshMs, reload])

  return { data, error, reload, setData }
}
