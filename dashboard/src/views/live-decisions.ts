import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import { readEventStream } from '../api/event-stream.ts'
import type { Decision } from '../api/wire.ts'
import { useApi } from '../session.ts'

/** Lines held by the page. */
const maxLines = 200

export type Connection = 'connecting' | 'live' | 'lost'

/**
 * Recent decisions, newest first, and new ones as they arrive. It reconnects and continues by itself. While
 * paused, new ones are held back and counted.
 *
 * @param search the filters of the API as a query string
 */
export function useLiveDecisions(search: string, isPaused: boolean) {
  const api = useApi()
  const [decisions, setDecisions] = useState<Decision[]>([])
  const [held, setHeld] = useState(0)
  const [missed, setMissed] = useState(0)
  const [connection, setConnection] = useState<Connection>('connecting')
  const [error, setError] = useState<unknown>(null)
  const paused = useRef(isPaused)
  const waiting = useRef<Decision[]>([])
  paused.current = isPaused

  function show() {
    const arrived = waiting.current.reverse()
    waiting.current = []
    setHeld(0)
    setDecisions((before) => [...arrived, ...before].slice(0, maxLines))
  }

  useEffect(() => {
    if (!isPaused) show()
  }, [isPaused])

  useEffect(() => {
    setDecisions([])
    setMissed(0)
    setHeld(0)
    waiting.current = []
    setConnection('connecting')
    const leaving = new AbortController()
    let lastId = 0
    let count = 0
    void follow(leaving.signal)
    return () => leaving.abort()

    async function follow(signal: AbortSignal) {
      for (let attempt = 0; !signal.aborted; attempt++) {
        try {
          const query = new URLSearchParams(search)
          query.set('limit', '100')
          if (lastId > 0) query.set('after', String(lastId))
          const stream = await api.openDebugger(query, signal)
          setConnection('live')
          setError(null)
          attempt = 0
          await read(stream, signal)
        } catch (caught) {
          if (signal.aborted) return
          if (caught instanceof ApiError && caught.status >= 400 && caught.status < 500) {
            setError(caught)
            setConnection('lost')
            return
          }
        }
        if (signal.aborted) return
        setConnection('lost')
        await new Promise((resolve) => setTimeout(resolve, Math.min(4_000, 500 * 2 ** attempt)))
      }
    }

    // A busy application handles thousands of requests per second, so decisions that arrive together are
    // rendered together.
    async function read(stream: ReadableStream<Uint8Array>, signal: AbortSignal) {
      let isDue = false
      const paint = () => {
        isDue = false
        // With another filter the list has begun afresh.
        if (signal.aborted) return
        if (paused.current) setHeld(count)
        else {
          count = 0
          show()
        }
      }
      for await (const message of readEventStream(stream)) {
        if (signal.aborted) return
        if (message.event === 'restart') lastId = 0
        if (message.event === 'missed') {
          const { count: some } = JSON.parse(message.data) as { count: number }
          setMissed((before) => before + some)
        }
        if (message.event !== 'decision') continue
        const decision = JSON.parse(message.data) as Decision
        lastId = decision.id
        waiting.current.push(decision)
        if (waiting.current.length > maxLines) waiting.current.shift()
        count = paused.current ? count + 1 : 0
        if (!isDue) setTimeout(paint, 100)
        isDue = true
      }
    }
  }, [api, search])

  return { decisions, held, missed, connection, error, clear: () => setDecisions([]) }
}
