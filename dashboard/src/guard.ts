import { signal } from '@preact/signals'

/** What would be lost if the view were left now, asked by whoever is about to leave it. */
export interface Guard {
  /** Shows the question. `leave` does what was asked for. */
  ask(leave: () => void): void
}

/** At most one dialog with something to lose is open. */
export const guard = signal<Guard | null>(null)

// The browser asks in its own words before it reloads or leaves.
addEventListener('beforeunload', (event) => {
  if (guard.value !== null) event.preventDefault()
})
