import type { WriteKey } from '../api/wire.ts'
import { moment } from '../clock.ts'
import { graceEnd, statusOf } from '../words/key-status.ts'
import { Countdown } from './time.tsx'

const labels = {
  active: 'Active',
  rotating: 'Rotating',
  paused: 'Paused',
  revoked: 'Revoked',
  expired: 'Expired',
}

export function StatusPill({ of }: { of: WriteKey }) {
  const status = statusOf(of, moment.value)
  const end = status === 'rotating' ? graceEnd(of, moment.value) : null
  return (
    <span class={`pill ${status}`}>
      {labels[status]}
      {end !== null && (
        <>
          {' · '}
          <Countdown time={end} />
        </>
      )}
    </span>
  )
}
