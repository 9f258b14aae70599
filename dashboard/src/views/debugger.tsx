import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import { readEventStream } from '../api/event-stream.ts'
import type { Decision } from '../api/wire.ts'
import { Empty, ErrorNotice } from '../parts/notice.tsx'
import { useApi } from '../session.ts'
import { plural } from '../words/format.ts'
import { DecisionList } from './decision-list.tsx'
import { useAllKeys } from './loaded-keys.ts'

/** Lines held by the page. */
const maxLines = 200

type Connection = 'connecting' | 'live' | 'paused' | 'lost'

export function Debugger({ keyId: firstKeyId }: { keyId: string }) {
  const [keyId, setKeyId] = useState(firstKeyId)
  const [outcome, setOutcome] = useState('')
  const [isPaused, setPaused] = useState(false)
  const { keys } = useAllKeys('')
  const names = useMemo(() => new Map((keys ?? []).map((key) => [key.id, key.name])), [keys])
  const { decisions, connection, error, clear } = useDecisions(keyId, outcome, isPaused)

  return (
    <>
      <div class="page-head">
        <h1>Event debugger</h1>
        <span class={`live ${connection}`} role="status">
          {
            {
              connecting: 'Connecting…',
              live: 'Live',
              paused: 'Paused',
              lost: 'Connection lost, trying again…',
            }[connection]
          }
        </span>
        <span class="grow" />
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <button type="button" onClick={clear}>
          Clear
        </button>
      </div>
      <div class="filters">
        <select aria-label="Key" value={keyId} onChange={(event) => setKeyId(event.currentTarget.value)}>
          <option value="">Any key</option>
          {keyId !== '' && !names.has(keyId) && <option value={keyId}>{keyId}</option>}
          {[...names].map(([id, name]) => (
            <option key={id} value={id}>
              {`\u2068${name}\u2069 · ${id}`}
            </option>
          ))}
        </select>
        <select
          aria-label="Outcome"
          value={outcome}
          onChange={(event) => setOutcome(event.currentTarget.value)}
        >
          <option value="">Any outcome</option>
          <option value="accepted">Accepted</option>
          <option value="refused">Refused</option>
        </select>
        <span class="muted">{plural(decisions.length, 'decision')}</span>
      </div>
      <ErrorNotice error={error} />
      {decisions.length === 0 && connection !== 'connecting' && (
        <Empty title="Waiting for events">
          <p class="muted">
            Requests appear here as they are decided. Nothing at all? Then they may go to another workspace,
            or be sent with a key that belongs to one.
          </p>
        </Empty>
      )}
      {decisions.length > 0 && (
        <section class="card flush">
          <DecisionList decisions={decisions} names={names} />
        </section>
      )}
    </>
  )
}

/** Recent decisions, newest first, and those that follow; reconnects by itself where it broke off. */
function useDecisions(keyId: string, outcome: string, isPaused: boolean) {
  const api = useApi()
  const [decisions, setDecisions] = useState<Decision[]>([])
  const [connection, setConnection] = useState<Connection>('connecting')
  const [error, setError] = useState<unknown>(null)
  const lastId = useRef(0)

  useEffect(() => {
    setDecisions([])
    lastId.current = 0
  }, [keyId, outcome])

  useEffect(() => {
    if (isPaused) {
      setConnection('paused')
      return
    }
    const leaving = new AbortController()
    void follow(leaving.signal)
    return () => leaving.abort()

    async function follow(signal: AbortSignal) {
      for (let attempt = 0; !signal.aborted; attempt++) {
        try {
          const query = new URLSearchParams()
          if (keyId !== '') query.set('key_id', keyId)
          if (outcome !== '') query.set('outcome', outcome)
          if (lastId.current > 0) query.set('after', String(lastId.current))
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
        await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 500 * 2 ** attempt)))
      }
    }

    // A busy application decides thousands of requests per second: what arrives together is painted together.
    async function read(stream: ReadableStream<Uint8Array>, signal: AbortSignal) {
      let waiting: Decision[] = []
      const paint = () => {
        // With another filter the list has begun afresh.
        if (signal.aborted) return
        const arrived = waiting.reverse()
        waiting = []
        setDecisions((before) => [...arrived, ...before].slice(0, maxLines))
      }
      for await (const message of readEventStream(stream)) {
        if (message.event === 'restart') lastId.current = 0
        if (message.event !== 'decision') continue
        const decision = JSON.parse(message.data) as Decision
        lastId.current = decision.id
        if (waiting.length === 0) setTimeout(paint, 100)
        waiting.push(decision)
        if (waiting.length > maxLines) waiting.shift()
      }
    }
  }, [api, keyId, outcome, isPaused])

  return { decisions, connection, error, clear: () => setDecisions([]) }
}
