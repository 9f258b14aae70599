import { useState } from 'preact/hooks'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { TaskButton } from '../parts/task-button.tsx'
import { asksApplication, signIn, signInNotice } from '../session.ts'

export function SignIn() {
  const [token, setToken] = useState('')
  const { start, busy, error } = useTask((given: string | null) => signIn(given))
  return (
    <main class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault()
          void start(token.trim())
        }}
      >
        <h1>Write keys</h1>
        {!asksApplication && <p class="muted">Sign in with a management token of this application.</p>}
        {signInNotice.value !== '' && error === null && <Notice level="info">{signInNotice.value}</Notice>}
        <ErrorNotice error={error} />
        {asksApplication && (
          <>
            <p>Sign in to the application first, and continue here as whoever is signed in there.</p>
            <TaskButton class="primary" busy={busy} onClick={() => void start(null)}>
              Continue
            </TaskButton>
            <p class="muted">If you operate the application, you can use a management token instead.</p>
          </>
        )}
        <label>
          Token
          <input
            type="password"
            name="token"
            autoComplete="off"
            spellcheck={false}
            required
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <TaskButton type="submit" class={asksApplication ? undefined : 'primary'} busy={busy}>
          Sign in
        </TaskButton>
        <p class="muted small-text">
          The token stays in this browser tab and is forgotten when you sign out or close it.
        </p>
      </form>
    </main>
  )
}
