import type { Anomaly } from '../api/wire.ts'
import { formatCount, formatDateTime } from './format.ts'

export interface AnomalyWords {
  title: string
  /** What happened, where an origin or address is shown separately. */
  detail: string
  advice: string
  level: 'bad' | 'warn'
}

/** An anomaly in plain words. Origins and addresses are not quoted here: they are text of strangers. */
export function describeAnomaly(anomaly: Anomaly): AnomalyWords {
  const observed = formatCount(anomaly.observed ?? 0)
  const expected = formatCount(anomaly.expected ?? 0)
  const when = anomaly.secret_at === null ? '' : formatDateTime(anomaly.secret_at)
  switch (anomaly.kind) {
    case 'volume_spike':
      return {
        title: 'Spike in volume',
        detail: `${observed} events where about ${expected} are usual.`,
        advice: 'Look at the debugger for what is sent. If the key leaked, rotate it without grace.',
        level: 'bad',
      }
    case 'sudden_silence':
      return {
        title: 'Sudden silence',
        detail: `No events where about ${expected} are usual.`,
        advice: 'Check the last deployment of the sender, and the refusals of this key.',
        level: 'bad',
      }
    case 'unseen_origin':
      return {
        title: 'Refusals from an unseen origin',
        detail: `${formatCount(anomaly.count)} requests were refused from`,
        advice: 'If the site is yours, add it to the allowed origins; if not, somebody copied the key.',
        level: 'warn',
      }
    case 'unseen_address':
      return {
        title: 'Refusals from an unseen address',
        detail: `${formatCount(anomaly.count)} requests were refused from`,
        advice: 'If it is your sender, put the newest key into it; if not, somebody copied the key.',
        level: 'warn',
      }
    case 'server_key_in_browser':
      return {
        title: 'Server key used from a browser',
        detail: 'Anybody can read the key in the code of the page at',
        advice: 'Create a web key for the page, then rotate this one.',
        level: 'bad',
      }
    case 'grace_ending':
      return {
        title: 'Old secret still in use',
        detail: `It stops working on ${when}.`,
        advice: 'Put the newest secret into the sender that is left, or rotate again to gain time.',
        level: 'warn',
      }
    case 'old_secret':
      return {
        title: 'Secret is older than 90 days',
        detail: `It was made on ${when}.`,
        advice: 'Rotate write keys at least quarterly.',
        level: 'warn',
      }
    default:
      return { title: anomaly.kind, detail: '', advice: '', level: 'warn' }
  }
}
