import { useEffect, useRef, useState } from 'preact/hooks'
import { type Api, ApiError } from '../api/client.ts'
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
    const { signal } = leaving
    let count = 0
    let isDue = false
    void read()
    return () => leaving.abort()

    async function read() {
      for await (const heard of followDecisions(api, search, signal)) {
        if (signal.aborted) return
        if ('connection' in heard) {
          setConnection(heard.connection)
          setError(heard.error)
        } else if ('missed' in heard) setMissed((before) => before + heard.missed)
        else add(heard.decision)
      }
    }

    function add(decision: Decision) {
      waiting.current.push(decision)
      if (waiting.current.length > maxLines) waiting.current.shift()
      count = paused.current ? count + 1 : 0
      if (!isDue) setTimeout(paint, 100)
      isDue = true
    }

    // A busy application handles thousands of requests per second, so decisions that arrive together are
    // rendered together.
    function paint() {
      isDue = false
      // With another filter the list has begun afresh.
      if (signal.aborted) return
      if (paused.current) setHeld(count)
      else {
        count = 0
        show()
      }
    }
  }, [api, search])

  return { decisions, held, missed, connection, error, clear: () => setDecisions([]) }
}

type Heard = { connection: Connection; error: unknown } | { missed: number } | { decision: Decision }

/** What the debugger says, over as many connections as it takes. Ends when the server refuses to say it. */
async function* followDecisions(api: Api, search: string, signal: AbortSignal): AsyncGenerator<Heard> {
  let lastId = 0
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const query = new URLSearchParams(search)
      query.set('limit', '100')
      if (lastId > 0) query.set('after', String(lastId))
      const stream = await api.openDebugger(query, signal)
      yield { connection: 'live', error: null }
      attempt = 0
      for await (const { event, data } of readEventStream(stream)) {
        if (signal.aborted) return
        if (event === 'restart') lastId = 0
        if (event === 'missed') yield { missed: (JSON.parse(data) as { count: number }).count }
        if (event !== 'decision') continue
        const decision = JSON.parse(data) as Decision
        lastId = decision.id
        yield { decision }
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
        yield { connection: 'lost', error }
        return
      }
    }
    if (signal.aborted) return
    yield { connection: 'lost', error: null }
    await new Promise((resolve) => setTimeout(resolve, Math.min(4_000, 500 * 2 ** attempt)))
  }
}
