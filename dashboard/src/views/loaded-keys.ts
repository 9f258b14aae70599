import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { WriteKey } from '../api/wire.ts'
import { useApi } from '../session.ts'

/** Keys held by the list; of more, the newest, and what a search finds. */
export const maxLoadedKeys = 5_000

/**
 * All keys, newest first, shown as soon as the first hundred are there. Searching, filtering and sorting then need no
 * server, unless there are too many keys to hold: then the server searches.
 */
export function useAllKeys(q: string) {
  const api = useApi()
  const [keys, setKeys] = useState<WriteKey[] | null>(null)
  const [isComplete, setComplete] = useState(false)
  const [isTruncated, setTruncated] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const latest = useRef(0)
  const serverQuery = isTruncated ? q.trim() : ''

  const load = useCallback(
    async (text: string) => {
      const turn = ++latest.current
      const loaded: WriteKey[] = []
      let cursor: string | null = null
      setComplete(false)
      try {
        do {
          const page = await api.listKeys({ q: text, cursor })
          if (turn !== latest.current) return
          loaded.push(...page.data)
          cursor = page.next_cursor
          // In between, show the first page at once and then only every few: each repaint sorts all of them.
          if (loaded.length <= 100 || loaded.length % 1_000 === 0) setKeys([...loaded])
        } while (cursor !== null && loaded.length < maxLoadedKeys)
        setKeys(loaded)
        setComplete(true)
        if (text === '') setTruncated(cursor !== null)
        setError(null)
      } catch (caught) {
        if (turn === latest.current) setError(caught)
      }
    },
    [api],
  )

  useEffect(() => {
    const timer = setTimeout(() => void load(serverQuery), serverQuery === '' ? 0 : 250)
    return () => {
      clearTimeout(timer)
      latest.current++
    }
  }, [serverQuery, load])

  return { keys, isComplete, isTruncated, error, reload: () => load(serverQuery) }
}
