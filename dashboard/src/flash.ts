import { signal } from '@preact/signals'

interface Message {
  text: string
  /** Of a key, shown as text of somebody else's; empty = none. */
  name: string
  /** False: for screen readers alone, as the view shows what has changed. */
  isShown: boolean
  /** Two of the same text are two messages. */
  turn: number
}

/** What came of the last thing that somebody did. Screen readers read it aloud. */
export const flash = signal<Message | null>(null)

let timer: ReturnType<typeof setTimeout> | undefined
let turns = 0

/** A finished change, for a view that no longer shows the changed key. */
export function say(text: string, name: string): void {
  show({ text, name, isShown: true })
}

/** A finished change, or new contents, of the view that is shown. */
export function announce(text: string, name = ''): void {
  show({ text, name, isShown: false })
}

function show(message: Omit<Message, 'turn'>): void {
  clearTimeout(timer)
  flash.value = { ...message, turn: ++turns }
  timer = setTimeout(() => {
    flash.value = null
  }, 15_000)
}
