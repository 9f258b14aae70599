import type { Anomaly, Usage, WriteKey } from '../api/wire.ts'
import { moment } from '../clock.ts'
import { entries } from '../parts/chart-bucket.ts'
import { useData } from '../parts/refreshed-data.ts'
import { useApi } from '../session.ts'
import { plural } from '../words/format.ts'
import { statusOf } from '../words/key-status.ts'
import { describeReason } from '../words/reasons.ts'

/** One line that says how the key is. */
export function KeyVerdict({ of: key }: { of: WriteKey }) {
  const api = useApi()
  const { data } = useData(
    `verdict ${key.id}`,
    async () => ({
      usage: await api.usage(key.id, '1h'),
      anomalies: (await api.anomalies(key.id)).data,
    }),
    15_000,
  )
  if (data === null) return <p class="verdict muted">…</p>
  const { text, isBad } = verdictOf(key, data.usage, data.anomalies, moment.value)
  return <p class={isBad ? 'verdict bad' : 'verdict'}>{text}</p>
}

function verdictOf(key: WriteKey, usage: Usage, anomalies: Anomaly[], now: number) {
  const status = statusOf(key, now)
  // A key that was resumed no longer refuses for that.
  const { key_paused: whilePaused = 0, ...refusals } = usage.refused
  const accepted = usage.accepted_total
  const refused = usage.refused_total - whilePaused
  const share = accepted + refused === 0 ? 0 : refused / (accepted + refused)
  const seconds = Math.max(60, Math.min(3_600, (now - Date.parse(usage.from)) / 1_000))
  const came =
    accepted + refused === 0
      ? `nothing${whilePaused > 0 ? ' else' : ''} came in the last hour`
      : `${formatRate(accepted / seconds)} · ${formatShare(share)} refused in the last hour`
  const figures =
    whilePaused === 0 ? came : `${plural(whilePaused, 'request')} refused while it was paused · ${came}`
  if (status === 'revoked' || status === 'expired' || status === 'paused') {
    const words = { revoked: 'Revoked', expired: 'Expired', paused: 'Paused' }[status]
    return { text: `${words}: accepts nothing · ${figures}`, isBad: true }
  }
  if (anomalies.some(({ kind }) => kind === 'server_key_in_browser' || kind === 'volume_spike'))
    return { text: `Unusual: see below · ${figures}`, isBad: true }
  if (share > 0.05) {
    const [reason] = entries(refusals)[0] ?? []
    const why = reason === undefined ? '' : ` · mostly: ${describeReason(reason).cause}`
    return { text: `Refusing · ${figures}${why}`, isBad: true }
  }
  if (accepted + refused === 0) return { text: `Quiet · ${figures}`, isBad: false }
  return { text: `Healthy · ${figures}`, isBad: false }
}

function formatRate(perSecond: number): string {
  if (perSecond >= 10) return `${Math.round(perSecond)}/s`
  if (perSecond >= 0.1) return `${perSecond.toFixed(1)}/s`
  return `${(perSecond * 60).toFixed(1)}/min`
}

function formatShare(share: number): string {
  const percent = share * 100
  return `${percent > 0 && percent < 0.1 ? '< 0.1' : percent.toFixed(1)} %`
}
