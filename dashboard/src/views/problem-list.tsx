import { useState } from 'preact/hooks'
import { KeyLabel } from '../parts/key-label.tsx'
import { Empty, ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { Ago, ReadAt } from '../parts/time.tsx'
import { debuggerHref } from '../route.ts'
import { canWrite, useApi } from '../session.ts'
import { type Fix, fixFor } from '../words/fixes.ts'
import { formatCount, plural } from '../words/format.ts'
import { groupProblems, type ProblemGroup } from '../words/problem-groups.ts'
import { FixDialog } from './fix-dialog.tsx'

const trends: Record<string, string> = {
  new: 'new',
  rising: '↗ rising',
  steady: '→ steady',
  falling: '↘ falling',
  over: 'not in the last hour',
}

interface ProblemListProps {
  filters: { key_id?: string; reason?: string }
  showKey?: boolean
}

/** Similar refusals, one line each: why, which key, from where, how often, and what to do. */
export function ProblemList({ filters, showKey = true }: ProblemListProps) {
  const api = useApi()
  const { data, error, readAt, reload } = useData(JSON.stringify(filters), () => api.problems(filters), 5_000)
  const [fixing, setFixing] = useState<{ keyId: string; fix: Fix } | null>(null)
  return (
    <>
      <ErrorNotice error={error} />
      {data === null && error === null && <p class="loading">Loading…</p>}
      {data?.data.length === 0 && (
        <Empty title="No problem that fits">
          <p class="muted">Refusals of the last seven days are listed here, counted together.</p>
        </Empty>
      )}
      {data !== null && data.data.length > 0 && (
        <>
          <p class="list-note">
            <ReadAt time={readAt} />
          </p>
          <ul class="problems card flush">
            {groupProblems(data.data).map((problem) => (
              <ProblemLine key={problem.id} of={problem} showKey={showKey} onFix={setFixing} />
            ))}
          </ul>
        </>
      )}
      {fixing !== null && (
        <FixDialog
          {...fixing}
          onClose={() => {
            setFixing(null)
            void reload()
          }}
        />
      )}
    </>
  )
}

interface ProblemLineProps {
  of: ProblemGroup
  showKey: boolean
  onFix: (fixing: { keyId: string; fix: Fix }) => void
}

function ProblemLine({ of: problem, showKey, onFix }: ProblemLineProps) {
  const { key_id: keyId, origin, addresses, reason } = problem
  const only = origin === null && addresses.length === 1 ? addresses[0] : null
  const fix = fixFor(problem)
  return (
    <li>
      <div class="problem-head">
        <strong>{problem.cause}</strong> <code>{reason}</code>
        <span class="grow" />
        <span class="figure strong">{formatCount(problem.count)}</span>
        <span class={`trend ${problem.trend}`}>{trends[problem.trend] ?? problem.trend}</span>
      </div>
      <div class="problem-about">
        {showKey &&
          (keyId === null ? (
            <span class="muted">no known key</span>
          ) : (
            <KeyLabel id={keyId} of={problem.key} />
          ))}
        {origin !== null && <PlainText class="mono" text={origin} />}
        {addresses.slice(0, 3).map((address) => (
          <PlainText key={address} class="mono" text={address} />
        ))}
        {addresses.length > 3 && (
          <span class="muted">and {plural(addresses.length - 3, 'more address', 'es')}</span>
        )}
        {problem.types.map((type) => (
          <PlainText key={type} class="tag mono" text={type} />
        ))}
        {problem.names.map((name) => (
          <PlainText key={name} class="event-name" text={name} />
        ))}
        {problem.rest && <span class="muted">and many more senders, counted together</span>}
      </div>
      <div class="muted small-text">{problem.advice}</div>
      <div class="problem-foot">
        <span class="muted small-text">
          first <Ago time={problem.first_at} />, last <Ago time={problem.last_at} />
        </span>
        <span class="grow" />
        <a href={debuggerHref({ key_id: keyId, reason, origin, address: only ?? null })}>Show events</a>
        {fix !== null && keyId !== null && canWrite() && (
          <button type="button" class="small primary" onClick={() => onFix({ keyId, fix })}>
            {fix.label}
          </button>
        )}
      </div>
    </li>
  )
}
