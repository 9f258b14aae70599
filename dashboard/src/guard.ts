import { computed, signal } from '@preact/signals'

/** What would be lost by leaving the view now. Checked before leaving it. */
export interface Guard {
  /** Shows the question. `leave` then leaves. */
  ask(leave: () => void): void
}

/** Everything that has something to lose, the latest last: a dialog may be open over a name that is being typed. */
const guards = signal<readonly Guard[]>([])

/** Who asks first; null = nothing is lost. */
export const guard = computed(() => guards.value.at(-1) ?? null)

/** @returns what takes it away again */
export function addGuard(added: Guard): () => void {
  guards.value = [...guards.peek(), added]
  return () => {
    guards.value = guards.peek().filter((entry) => entry !== added)
  }
}

/** How many parts of the page stay although the session has ended, such as open dialogs. */
export const holds = signal(0)

/** @returns what lets go */
export function hold(): () => void {
  holds.value++
  return () => {
    holds.value--
  }
}

// The browser asks with its own text before it reloads or leaves.
addEventListener('beforeunload', (event) => {
  if (guard.value !== null) event.preventDefault()
})
