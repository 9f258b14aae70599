import { signal } from '@preact/signals'

/** What would be lost by leaving the view now. Checked before leaving it. */
export interface Guard {
  /** Shows the question. `leave` then leaves. */
  ask(leave: () => void): void
}

/** At most one dialog with something to lose is open. */
export const guard = signal<Guard | null>(null)

/** How many dialogs are open, with something to lose or without. */
export const openDialogs = signal(0)

// The browser asks with its own text before it reloads or leaves.
addEventListener('beforeunload', (event) => {
  if (guard.value !== null) event.preventDefault()
})
