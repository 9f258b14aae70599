import { signal } from '@preact/signals'

/** What would be lost by leaving the view now. Checked before leaving it. */
export interface Guard {
  /** Shows the question. `leave` then leaves. */
  ask(leave: () => void): void
}

/** At most one dialog with something to lose is open. */
export const guard = signal<Guard | null>(null)

// The browser asks with its own text before it reloads or leaves.
addEventListener('beforeunload', (event) => {
  if (guard.value !== null) event.preventDefault()
})
