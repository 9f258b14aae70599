import { signal } from '@preact/signals'

/** What has just been done, for a view that no longer shows what it was done to. */
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
