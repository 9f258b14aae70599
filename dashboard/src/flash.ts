import { signal } from '@preact/signals'

/** A message about a finished change, for a view that no longer shows the changed key. */
export const flash = signal<{ text: string; name: string } | null>(null)

let timer: ReturnType<typeof setTimeout> | undefined

/** @param name of a key, shown as text of somebody else's */
export function say(text: string, name: string): void {
  clearTimeout(timer)
  flash.value = { text, name }
  timer = setTimeout(() => {
    flash.value = null
  }, 15_000)
}
