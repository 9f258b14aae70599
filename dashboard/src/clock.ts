import { signal } from '@preact/signals'

/** The time, for countdowns: every second. */
export const second = signal(Date.now())
/** The time, for "3 min ago": every 15 seconds. */
export const moment = signal(Date.now())

setInterval(() => {
  if (!document.hidden) second.value = Date.now()
}, 1_000)
setInterval(() => {
  if (!document.hidden) moment.value = Date.now()
}, 15_000)
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return
  second.value = Date.now()
  moment.value = Date.now()
})
