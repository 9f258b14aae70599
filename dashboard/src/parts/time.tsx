import { moment, second } from '../clock.ts'
import { formatAgo, formatClock, formatDateTime, formatLeft } from '../words/format.ts'

/** "3 min ago", with the full time on hover. */
export function Ago({ time, never = 'never' }: { time: string | null | undefined; never?: string }) {
  if (!time) return <span class="muted">{never}</span>
  return (
    <time class="nowrap" dateTime={time} title={formatDateTime(time)}>
      {formatAgo(time, moment.value)}
    </time>
  )
}

/** "23 h 59 min", counting down. */
export function Countdown({ time }: { time: string }) {
  return (
    <time dateTime={time} title={formatDateTime(time)} class="countdown">
      {formatLeft(time, second.value)}
    </time>
  )
}

/** How old the figures beside it are. */
export function ReadAt({ time }: { time: number | null }) {
  if (time === null) return null
  const isOld = moment.value - time > 60_000
  return (
    <span class={isOld ? 'read-at hint warn' : 'read-at muted'}>
      {isOld ? 'As of' : 'Updated'} <time dateTime={new Date(time).toISOString()}>{formatClock(time)}</time>
    </span>
  )
}
