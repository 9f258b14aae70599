import { useEffect, useRef } from 'preact/hooks'
import { awaySince } from './connection.ts'
import { flash } from './flash.ts'
import { PlainText } from './parts/plain-text.tsx'
import { route } from './route.ts'
import { isSessionKnown, session, signOut } from './session.ts'
import { Anomalies } from './views/anomalies.tsx'
import { AuditLog } from './views/audit-log.tsx'
import { Debugger } from './views/debugger.tsx'
import { KeyList } from './views/key-list.tsx'
import { KeyPage } from './views/key-page.tsx'
import { SignIn } from './views/sign-in.tsx'
import { formatClock, timeZone } from './words/format.ts'

const tabs = [
  { href: '#/', label: 'Write keys', views: ['keys', 'key'] },
  { href: '#/debugger', label: 'Debugger', views: ['debugger'] },
  { href: '#/anomalies', label: 'Anomalies', views: ['anomalies'] },
  { href: '#/audit', label: 'Audit log', views: ['audit'] },
]

export function App() {
  if (!isSessionKnown.value) return <p class="loading">Loading…</p>
  if (session.value === null) return <SignIn />
  return <Shell />
}

function Shell() {
  const { name, role, byToken } = session.value ?? { name: '', role: '', byToken: false }
  const { view } = route.value
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)

  // Move the focus, for people who cannot see that the view has changed.
  useEffect(() => {
    if (!first.current) main.current?.focus()
    first.current = false
    scrollTo(0, 0)
  }, [route.value])

  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <div class="brand">
          <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <circle cx="8" cy="12" r="5" />
            <path d="M13 12h9M18 12v4M22 12v3" />
          </svg>
          Events
        </div>
        <nav aria-label="Sections">
          {tabs.map(({ href, label, views }) => (
            <a key={href} href={href} aria-current={views.includes(view) ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <div class="who">
          <span class="muted">
            <bdi>{name}</bdi> · {role}
          </span>
          {byToken && (
            <button type="button" class="small" onClick={() => signOut()}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <Away />
      <main id="main" ref={main} tabIndex={-1}>
        <Flash />
        <CurrentView />
        <footer class="zone muted">Times are of {timeZone}.</footer>
      </main>
    </>
  )
}

/** One banner for everything that cannot be refreshed while the server is away. */
function Away() {
  const since = awaySince.value
  return (
    <div role="alert">
      {since !== null && (
        <p class="away">
          The server does not answer since {formatClock(since)}. What is shown is from before; trying again
          every 2 seconds.
        </p>
      )}
    </div>
  )
}

function Flash() {
  const said = flash.value
  return (
    <div role="status">
      {said !== null && (
        <div key={said.turn} class={said.isShown ? 'notice good' : 'visually-hidden'}>
          {said.name !== '' && <PlainText class="strong" text={said.name} />} {said.text}
        </div>
      )}
    </div>
  )
}

function CurrentView() {
  const current = route.value
  switch (current.view) {
    case 'key':
      return <KeyPage key={current.id} id={current.id} />
    case 'debugger':
      return <Debugger />
    case 'anomalies':
      return <Anomalies />
    case 'audit':
      return <AuditLog />
    default:
      return <KeyList />
  }
}
