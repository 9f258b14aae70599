import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'

/**
 * Data of a view. It is read when the view opens, when `key` changes, on `reload`, and every `refreshMs`.
 * While the server is away, it is requested every 2 s, and the last data stays, with its time.
 */
export function useData<T>(key: string, read: () => Promise<T>, refreshMs?: number) {
  const [data, setData] = useState<T | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [readAt, setReadAt] = useState<number | null>(null)
  const latest = useRef(0)
  const reader = useRef(read)
  reader.current = read

  const reload = useCallback(async () => {
    const turn = ++latest.current
    try {
      const value = await reader.current()
      if (turn !== latest.current) return
      setData(() => value)
      setReadAt(Date.now())
      setError(null)
    } catch (caught) {
      if (turn === latest.current) setError(caught)
    }
  }, [])

  const isAway = error instanceof ApiError && (error.status === 0 || error.status >= 502)
  useEffect(() => {
    if (!isAway) return
    const timer = setInterval(() => void reload(), 2_000)
    return () => clearInterval(timer)
  }, [isAway, reload])

  useEffect(() => {
    setData(null)
    setError(null)
    setReadAt(null)
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

  // One banner tells of a server that is away.
  return { data, error: isAway ? null : error, readAt, reload, setData }
}
