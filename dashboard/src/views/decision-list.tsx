import { useState } from 'preact/hooks'
import type { Decision } from '../api/wire.ts'
import { KeyLabel } from '../parts/key-label.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { formatClock, formatDateTime, plural } from '../words/format.ts'
import { describeReason } from '../words/reasons.ts'
import { DecisionDetails } from './decision-details.tsx'

interface DecisionListProps {
  decisions: Decision[]
  /** Whether lines say which key it was. */
  showKey?: boolean
  /** Of the line that is open at first. */
  openRef?: string | undefined
}

/** Decisions as lines: what was sent, from where, the outcome, and what to do about it. */
export function DecisionList({ decisions, showKey = false, openRef }: DecisionListProps) {
  const [open, setOpen] = useState<string | undefined>(openRef)
  return (
    <ul class="decisions">
      {groupAlike(decisions).map(({ decision, times, first }) => (
        <DecisionLine
          key={first}
          of={decision}
          times={times}
          showKey={showKey}
          isOpen={open === first || open === decision.ref}
          onToggle={(isOpen) => setOpen(isOpen ? first : undefined)}
        />
      ))}
    </ul>
  )
}

interface Group {
  /** The latest. */
  decision: Decision
  times: number
  /** Ref of the earliest: stays while the group grows. */
  first: string
}

/** A refused sender tries again. Repeated refusals are one line with a count. */
function groupAlike(decisions: Decision[]): Group[] {
  const groups: (Group & { alike: string })[] = []
  for (const decision of decisions) {
    const { verdict, reason, key_id, secret_id, types, names, origin, address, process, path } = decision
    const alike = JSON.stringify([reason, key_id, secret_id, types, names, origin, address, process, path])
    const last = groups.at(-1)
    if (last?.alike === alike && verdict === 'refused') {
      last.times++
      last.first = decision.ref
    } else groups.push({ decision, times: 1, alike, first: decision.ref })
  }
  return groups
}

interface DecisionLineProps {
  of: Decision
  times: number
  showKey: boolean
  isOpen: boolean
  onToggle: (isOpen: boolean) => void
}

function DecisionLine({ of: decision, times, showKey, isOpen, onToggle }: DecisionLineProps) {
  const { reason, key_id: keyId } = decision
  const words = reason === null ? null : describeReason(reason)
  return (
    <li>
      <button
        type="button"
        class="plain when mono"
        aria-expanded={isOpen}
        aria-label={`Details of ${formatClock(decision.at)}`}
        title={formatDateTime(decision.at)}
        onClick={() => onToggle(!isOpen)}
      >
        <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> {formatClock(decision.at)}
      </button>
      <span class={`pill ${decision.verdict}`}>
        {decision.verdict === 'accepted' ? 'Accepted' : 'Refused'}
      </span>
      <div class="decision-what">
        <div class="decision-line">
          {showKey &&
            (keyId === null ? (
              <span class="muted">no known key</span>
            ) : (
              <KeyLabel id={keyId} of={decision.key} />
            ))}
          {decision.test && <span class="tag">test</span>}
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
        {decision.would_refuse !== null && (
          <div class="decision-why">
            <strong>Would be refused by rules on trial</strong> <code>{decision.would_refuse}</code>
          </div>
        )}
        {words !== null && (
          <div class="decision-why">
            <strong>{words.cause}</strong> <code>{reason}</code> <span class="muted">{words.advice}</span>
          </div>
        )}
        {isOpen && <DecisionDetails of={decision} />}
      </div>
    </li>
  )
}
