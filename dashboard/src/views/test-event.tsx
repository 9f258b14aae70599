import { useState } from 'preact/hooks'
import { ingestPath } from '../api/client.ts'
import { useTask } from '../parts/task.ts'
import { TaskButton } from '../parts/task-button.tsx'

interface TestAnswer {
  status: number
  durationMs: number
  body: string
  headers: [string, string][]
}

const shownHeaders = ['retry-after', 'ratelimit', 'x-ratelimit-remaining', 'deprecation', 'sunset']

/** Sends one event with a secret to the ingest endpoint, as a page of this origin would, and shows what came back. */
export function TestEvent({ secret, eventType }: { secret: string; eventType: string }) {
  const [path, setPath] = useState(`${ingestPath}/${eventType}`)
  const [body, setBody] = useState(
    JSON.stringify(
      eventType === 'track'
        ? { event: 'Test Event', userId: 'test', properties: { test: true } }
        : { userId: 'test' },
    ),
  )
  const [answer, setAnswer] = useState<TestAnswer | null>(null)
  const { start, busy, error } = useTask(async () => {
    setAnswer(null)
    setAnswer(await sendEvent(path, secret, body))
  })
  return (
    <section class="test-event" aria-label="Send a test event">
      <h3>Send a test event</h3>
      <div class="test-fields">
        <label>
          Path
          <input
            class="mono"
            value={path}
            spellcheck={false}
            onInput={(event) => setPath(event.currentTarget.value)}
          />
        </label>
        <label>
          Body
          <input
            class="mono"
            value={body}
            spellcheck={false}
            onInput={(event) => setBody(event.currentTarget.value)}
          />
        </label>
        <TaskButton busy={busy} onClick={() => void start()}>
          Send test event
        </TaskButton>
      </div>
      <div aria-live="polite">
        {error !== null && (
          <p class="answer bad">The endpoint did not answer: is it served under this path?</p>
        )}
        {answer !== null && (
          <div class={`answer ${answer.status < 300 ? 'good' : 'bad'}`}>
            <strong>{answer.status}</strong> {verdictOf(answer.status)}{' '}
            <span class="muted">in {Math.round(answer.durationMs)} ms</span>
            {answer.headers.map(([name, value]) => (
              <div key={name} class="mono small-text">
                {name}: {value}
              </div>
            ))}
            {answer.body !== '' && <pre>{answer.body}</pre>}
          </div>
        )}
      </div>
    </section>
  )
}

async function sendEvent(path: string, secret: string, body: string): Promise<TestAnswer> {
  // The page's policy would block any other origin anyway. This explains it, and the secret stays on this
  // origin.
  const url = new URL(path, location.origin)
  if (url.origin !== location.origin) throw new Error('The path must be on this origin.')
  const start = performance.now()
  const response = await fetch(url, {
    method: 'POST',
    credentials: 'omit',
    headers: {
      authorization: `Basic ${btoa(`${secret}:`)}`,
      'content-type': 'application/json',
      // So that nobody is alarmed by it.
      'x-writekey-test': '1',
    },
    body,
  })
  return {
    status: response.status,
    durationMs: performance.now() - start,
    body: (await response.text()).slice(0, 2_000),
    headers: shownHeaders.flatMap((name) => {
      const value = response.headers.get(name)
      return value === null ? [] : [[name, value] as [string, string]]
    }),
  }
}

function verdictOf(status: number): string {
  if (status < 300) return 'The event was accepted.'
  if (status === 401) return 'The key was not accepted.'
  if (status === 403)
    return 'A rule of the key refused it. For a web key, add the origin of this page to try it from here.'
  if (status === 404) return 'Nothing is served under this path.'
  if (status === 429) return 'Over the rate limit.'
  return 'It was refused.'
}
