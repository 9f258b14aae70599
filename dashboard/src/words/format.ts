const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** The time zone of this browser, in which all times of the page are. */
export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone

const plain = new Intl.NumberFormat('en')
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const dateTime = new Intl.DateTimeFormat('en', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
})
const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' })
const clock = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})

export const formatCount = (count: number) => plain.format(count)
/** 65 536 → 64 KiB, where it comes out even. */
export const formatBytes = (bytes: number) =>
  bytes % 1_024 === 0 ? `${plain.format(bytes / 1_024)} KiB` : `${plain.format(bytes)} bytes`
/** 12 400 → 12.4K: for columns. */
export const formatCompact = (count: number) => (count < 10_000 ? plain.format(count) : compact.format(count))
export const formatDateTime = (time: string | number) => dateTime.format(new Date(time))
export const formatDay = (time: string | number) => day.format(new Date(time))
export const formatClock = (time: string | number) => clock.format(new Date(time))

/** "3 min ago". */
export function formatAgo(time: string, now: number): string {
  const age = now - Date.parse(time)
  if (age < 10_000) return 'just now'
  if (age < minuteMs) return `${Math.floor(age / 1_000)} s ago`
  if (age < hourMs) return `${Math.floor(age / minuteMs)} min ago`
  if (age < dayMs) return `${Math.floor(age / hourMs)} h ago`
  if (age < 30 * dayMs) return `${Math.floor(age / dayMs)} d ago`
  return formatDay(time)
}

/** "23 h 59 min": the time left until a moment. In the last hour, with seconds. */
export function formatLeft(time: string, now: number): string {
  const left = Math.max(0, Date.parse(time) - now)
  if (left >= 3 * dayMs) return `${Math.floor(left / dayMs)} d`
  if (left >= hourMs) return `${Math.floor(left / hourMs)} h ${Math.floor((left % hourMs) / minuteMs)} min`
  if (left >= minuteMs) {
    return `${Math.floor(left / minuteMs)} min ${Math.floor((left % minuteMs) / 1_000)} s`
  }
  return `${Math.ceil(left / 1_000)} s`
}

export function plural(count: number, word: string, ending = 's'): string {
  return `${formatCount(count)} ${word}${count === 1 ? '' : ending}`
}
