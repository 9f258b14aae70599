import type { Anomaly, Usage, WriteKey } from '../api/wire.ts'
import { moment } from '../clock.ts'
import { entries } from '../parts/chart-bucket.ts'
import { useData } from '../parts/refreshed-data.ts'
import { useApi } from '../session.ts'
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
  const { accepted_total: accepted, refused_total: refused } = usage
  const share = accepted + refused === 0 ? 0 : refused / (accepted + refused)
  const seconds = Math.max(60, Math.min(3_600, (now - Date.parse(usage.from)) / 1_000))
  const figures =
    accepted + refused === 0
      ? 'nothing came in the last hour'
      : `${formatRate(accepted / seconds)} · ${formatShare(share)} refused in the last hour`
  if (status === 'revoked' || status === 'expired' || status === 'paused') {
    const words = { revoked: 'Revoked', expired: 'Expired', paused: 'Paused' }[status]
    return { text: `${words}: accepts nothing · ${figures}`, isBad: true }
  }
  if (anomalies.some(({ kind }) => kind === 'server_key_in_browser' || kind === 'volume_spike'))
    return { text: `Unusual: see below · ${figures}`, isBad: true }
  if (share > 0.05) {
    const [reason] = entries(usage.refused)[0] ?? []
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
