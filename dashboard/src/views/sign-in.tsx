import { useState } from 'preact/hooks'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { signIn, signInNotice } from '../session.ts'

export function SignIn() {
  const [token, setToken] = useState('')
  const { start, busy, error } = useTask(() => signIn(token.trim()))
  return (
    <main class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault()
          void start()
        }}
      >
        <h1>Write keys</h1>
        <p class="muted">Sign in with a management token of this application.</p>
        {signInNotice.value !== '' && error === null && <Notice level="info">{signInNotice.value}</Notice>}
        <ErrorNotice error={error} />
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
        <button type="submit" class="primary" disabled={busy}>
          Sign in
        </button>
        <p class="muted small-text">
          The token stays in this browser tab and is forgotten when you sign out or close it.
        </p>
      </form>
    </main>
  )
}
