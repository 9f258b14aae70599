import type { Decision } from '../api/wire.ts'
import { PlainText } from '../parts/plain-text.tsx'
import { keyHref } from '../route.ts'
import { formatClock, formatDateTime, plural } from '../words/format.ts'
import { describeReason } from '../words/reasons.ts'

interface DecisionListProps {
  decisions: Decision[]
  /** Names by key id; without it no key is shown. */
  names?: ReadonlyMap<string, string>
}

/** Decisions as lines: what was sent from where, what came of it, and what to do about it. */
export function DecisionList({ decisions, names }: DecisionListProps) {
  return (
    <ul class="decisions">
      {groupAlike(decisions).map(({ decision, times }) => (
        <DecisionLine key={decision.id} of={decision} times={times} names={names} />
      ))}
    </ul>
  )
}

/** A sender that is refused tries again: what repeats is one line that counts. */
function groupAlike(decisions: Decision[]): { decision: Decision; times: number }[] {
  const groups: { decision: Decision; times: number; alike: string }[] = []
  for (const decision of decisions) {
    const { id: _, at: __, ...rest } = decision
    const alike = JSON.stringify(rest)
    const last = groups.at(-1)
    if (last?.alike === alike && decision.verdict === 'refused') last.times++
    else groups.push({ decision, times: 1, alike })
  }
  return groups
}

interface DecisionLineProps {
  of: Decision
  times: number
  names: DecisionListProps['names']
}

function DecisionLine({ of: decision, times, names }: DecisionLineProps) {
  const { reason, key_id: keyId } = decision
  const words = reason === null ? null : describeReason(reason)
  return (
    <li>
      <time class="mono" dateTime={decision.at} title={formatDateTime(decision.at)}>
        {formatClock(decision.at)}
      </time>
      <span class={`pill ${decision.verdict}`}>
        {decision.verdict === 'accepted' ? 'Accepted' : 'Refused'}
      </span>
      <div class="decision-what">
        <div class="decision-line">
          {names !== undefined &&
            (keyId === null ? (
              <span class="muted">no known key</span>
            ) : (
              <a href={keyHref(keyId)}>
                <PlainText text={names.get(keyId) ?? keyId} />
              </a>
            ))}
          {decision.types.map((type) => (
            <PlainText key={type} class="tag mono" text={type} />
          ))}
          {decision.names.map((name) => (
            <PlainText key={name} class="event-name" text={name} />
          ))}
          {times > 1 && <span class="times">{times} times</span>}
          {decision.events > 1 && <span class="muted">{plural(decision.events, 'event')}</span>}
          {decision.rejected > 0 && <span class="refused">{decision.rejected} left out</span>}
          <span class="decision-from">
            {decision.origin !== null && <PlainText class="mono" text={decision.origin} />}
            {decision.address !== null && <PlainText class="mono" text={decision.address} />}
          </span>
        </div>
        {words !== null && (
          <div class="decision-why">
            <strong>{words.cause}</strong> <code>{reason}</code> <span class="muted">{words.advice}</span>
          </div>
        )}
        {decision.payload !== null && (
          <details>
            <summary>Payload</summary>
            <pre>{decision.payload}</pre>
          </details>
        )}
      </div>
    </li>
  )
}
