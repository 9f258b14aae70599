import { invalidField } from '../runtime/errors.ts'

/** Days and hours as people in a time zone count them. */
export interface Calendar {
  /** The start of the clock hour that a moment belongs to. */
  hourOf(at: number): number
  /** The start of the day that is `days` after the day of a moment, also for days of 23 or 25 hours. */
  dayOf(at: number, days: number): number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** Present offsets of zones are multiples of this. */
const stepMs = 15 * minuteMs

/** @throws KeyError `invalid_field` for a name that is not a time zone such as `Asia/Kolkata` or `UTC`. */
export function createCalendar(zone: unknown): Calendar {
  const format = zoneFormat(zone)

  /** The local time, as if it were UTC. */
  function wallOf(at: number): number {
    const parts: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value)
    const { year, month, day, hour, minute } = parts as Record<
      'year' | 'month' | 'day' | 'hour' | 'minute',
      number
    >
    return Date.UTC(year, month - 1, day, hour, minute)
  }

  const dateOf = (at: number) => Math.floor(wallOf(at) / dayMs)

  /** The first moment of a date: not always midnight, because some zones put clocks forward at midnight. */
  function startOf(date: number): number {
    const midnight = date * dayMs
    let at = midnight - (wallOf(midnight) - midnight)
    while (dateOf(at) >= date) at -= stepMs
    while (dateOf(at) < date) at += stepMs
    return at
  }

  return {
    hourOf(at) {
      const minute = at - (at % minuteMs)
      return minute - (wallOf(minute) % hourMs)
    },
    dayOf: (at, days) => startOf(dateOf(at) + days),
  }
}

function zoneFormat(zone: unknown): Intl.DateTimeFormat {
  const numeric = 'numeric'
  const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric } as const
  try {
    if (typeof zone !== 'string' || zone.length > 64) throw new RangeError('no zone')
    return new Intl.DateTimeFormat('en-US', {
      ...fields,
      timeZone: zone,
      hourCycle: 'h23',
      calendar: 'gregory',
    })
  } catch {
    throw invalidField('zone', 'must be a time zone such as Europe/Berlin or UTC')
  }
}
