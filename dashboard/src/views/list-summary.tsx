import { useState } from 'preact/hooks'
import type { UsageOverview } from '../api/wire.ts'
import { KeyMarks } from '../parts/key-label.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/task.ts'
import { ReadAt } from '../parts/time.tsx'
import { keyHref } from '../route.ts'
import { useApi } from '../session.ts'
import { findAttention } from '../words/attention.ts'
import { formatCompact } from '../words/format.ts'
import { sources } from '../words/source-defaults.ts'

const shownAtFirst = 4

/** Figures of all keys together, and what somebody should look at. */
export function ListSummary({ overview, readAt }: { overview: UsageOverview; readAt: number | null }) {
  const { accepted, refused, success_rate: rate } = overview.total
  return (
    <>
      <div class="totals">
        <Figure label="Accepted, 24 h" value={formatCompact(accepted)} />
        <Figure label="Refused, 24 h" value={formatCompact(refused)} isBad={refused > 0} />
        <Figure
          label="Success rate"
          value={rate === null ? '–' : `${(Math.floor(rate * 10_000) / 100).toFixed(2)} %`}
          isBad={rate !== null && rate < 0.95}
        />
        <Groups />
        <ReadAt time={readAt} />
      </div>
      <NeedsAttention overview={overview} />
    </>
  )
}

function Figure({ label, value, isBad = false }: { label: string; value: string; isBad?: boolean }) {
  return (
    <div class="total">
      <span class="muted">{label}</span>
      <strong class={isBad ? 'refused' : undefined}>{value}</strong>
    </div>
  )
}

/** Which source type, or workspace, errs most. */
function Groups() {
  const api = useApi()
  const [by, setBy] = useState<'source_type' | 'workspace' | null>(null)
  return (
    <div class="groups">
      <fieldset class="segments" aria-label="Compare">
        {(['source_type', 'workspace'] as const).map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={by === name}
            onClick={() => setBy(by === name ? null : name)}
          >
            {name === 'source_type' ? 'By source' : 'By workspace'}
          </button>
        ))}
      </fieldset>
      {by !== null && <GroupTable key={by} by={by} read={() => api.overview(by, '24h')} />}
    </div>
  )
}

interface GroupTableProps {
  by: 'source_type' | 'workspace'
  read: () => Promise<UsageOverview>
}

function GroupTable({ by, read }: GroupTableProps) {
  const { data } = useData(by, read, 60_000)
  return (
    <table class="card groups-table">
      <thead>
        <tr>
          <th scope="col">{by === 'workspace' ? 'Workspace' : 'Source type'}</th>
          <th scope="col" class="number">
            Accepted
          </th>
          <th scope="col" class="number">
            Refused
          </th>
          <th scope="col" class="number">
            Refused share
          </th>
        </tr>
      </thead>
      <tbody>
        {data?.data.slice(0, 20).map((row) => (
          <tr key={row.group ?? ''}>
            <th scope="row">
              <PlainText
                text={
                  row.group === null
                    ? 'none'
                    : by === 'source_type'
                      ? (sources[row.group as keyof typeof sources]?.label ?? row.group)
                      : row.group
                }
              />
            </th>
            <td class="number">{formatCompact(row.accepted)}</td>
            <td class="number">{formatCompact(row.refused)}</td>
            <td class="number">
              {row.success_rate === null ? '–' : `${((1 - row.success_rate) * 100).toFixed(1)} %`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function NeedsAttention({ overview }: { overview: UsageOverview }) {
  const api = useApi()
  const [isAll, setAll] = useState(false)
  const { data } = useData('attention', () => findAttention(api, overview, Date.now()), 60_000)
  if (data === null || data.length === 0) return null
  return (
    <section class="attention" aria-label="Needs attention">
      <h2>Needs attention</h2>
      <ul>
        {data.slice(0, isAll ? 50 : shownAtFirst).map((one) => (
          <li key={`${one.kind} ${one.id}`}>
            <a href={keyHref(one.id)}>
              <PlainText text={one.name} />
            </a>{' '}
            <KeyMarks of={one} />{' '}
            <span class={one.kind === 'refusing' || one.kind === 'grace' ? 'refused' : 'warn-text'}>
              {one.what}
            </span>
          </li>
        ))}
      </ul>
      {data.length > shownAtFirst && (
        <button type="button" class="small" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
          {isAll ? 'Show fewer' : `Show ${data.length - shownAtFirst} more`}
        </button>
      )}
    </section>
  )
}
