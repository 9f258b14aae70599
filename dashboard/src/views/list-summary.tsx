import { useState } from 'preact/hooks'
import type { UsageOverview } from '../api/wire.ts'
import { KeyLabel, KeyMarks } from '../parts/key-label.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { Sparkline } from '../parts/sparkline.tsx'
import { ReadAt } from '../parts/time.tsx'
import { keyHref, query, setQuery } from '../route.ts'
import { isOfOneWorkspace, useApi } from '../session.ts'
import { findAttention } from '../words/attention.ts'
import { formatCompact, formatCount } from '../words/format.ts'
import { sources } from '../words/source-defaults.ts'

const shownAtFirst = 4
const shownAtMost = 50

/** Totals of all keys, and the keys that need attention. */
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

type Grouping = 'source_type' | 'workspace' | 'key'

const groupings: Record<Grouping, { button: string; column: string }> = {
  source_type: { button: 'By source', column: 'Source type' },
  workspace: { button: 'By workspace', column: 'Workspace' },
  key: { button: 'By key', column: 'Key' },
}

/** Which source type, workspace or key has the most refusals. The choice is kept in the address. */
function Groups() {
  const api = useApi()
  const names = (Object.keys(groupings) as Grouping[]).filter(
    (name) => name !== 'workspace' || !isOfOneWorkspace(),
  )
  const by = names.find((name) => name === query.value.by)
  return (
    <div class="groups">
      <fieldset class="segments" aria-label="Compare">
        {names.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={by === name}
            onClick={() => setQuery({ by: by === name ? '' : name })}
          >
            {groupings[name].button}
          </button>
        ))}
      </fieldset>
      {by !== undefined && <GroupTable key={by} by={by} read={() => api.overview(by, '24h')} />}
    </div>
  )
}

interface GroupTableProps {
  by: Grouping
  read: () => Promise<UsageOverview>
}

function GroupTable({ by, read }: GroupTableProps) {
  const { data, error } = useData(by, read, 60_000)
  if (error !== null) return <ErrorNotice error={error} />
  if (data === null) return <div class="skeleton row-skeleton" />
  return (
    <table class="card groups-table">
      <thead>
        <tr>
          <th scope="col">{groupings[by].column}</th>
          <th scope="col" class="number">
            Accepted
          </th>
          <th scope="col" class="number">
            Refused
          </th>
          <th scope="col" class="number">
            Refused share
          </th>
          <th scope="col">Last 24 hours</th>
        </tr>
      </thead>
      <tbody>
        {data.data.slice(0, shownGroups).map((row) => (
          <tr key={row.group ?? ''}>
            <th scope="row">
              {by === 'key' && row.group !== null ? (
                <KeyLabel id={row.group} of={row.key} />
              ) : (
                <PlainText text={groupName(by, row.group)} />
              )}
            </th>
            <td class="number">{formatCompact(row.accepted)}</td>
            <td class="number">{formatCompact(row.refused)}</td>
            <td class="number">
              {row.success_rate === null ? '–' : `${((1 - row.success_rate) * 100).toFixed(1)} %`}
            </td>
            <td>
              <Sparkline
                accepted={row.series.map(({ accepted }) => accepted)}
                refused={row.series.map(({ refused }) => refused)}
                label={`${formatCount(row.accepted)} accepted and ${formatCount(row.refused)} refused`}
              />
            </td>
          </tr>
        ))}
        {data.data.length > shownGroups && (
          <tr>
            <td colSpan={5} class="muted">
              The {shownGroups} that refuse most.
            </td>
          </tr>
        )}
      </tbody>
    </table>
  )
}

const shownGroups = 20

function groupName(by: Grouping, group: string | null): string {
  if (group === null) return 'none'
  return by === 'source_type' ? (sources[group as keyof typeof sources]?.label ?? group) : group
}

function NeedsAttention({ overview }: { overview: UsageOverview }) {
  const api = useApi()
  const [isAll, setAll] = useState(false)
  const { data } = useData('attention', () => findAttention(api, overview, Date.now()), 60_000)
  if (data === null || data.found.length === 0) return null
  const { found, total } = data
  const shown = found.slice(0, isAll ? shownAtMost : shownAtFirst)
  return (
    <section class="attention" aria-label="Needs attention">
      <h2>Needs attention</h2>
      <ul>
        {shown.map((one) => (
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
      {found.length > shownAtFirst && (
        <button type="button" class="small" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
          {isAll ? 'Show fewer' : `Show ${Math.min(found.length, shownAtMost) - shownAtFirst} more`}
        </button>
      )}
      {isAll && total > shown.length && (
        <span class="muted"> {formatCount(total - shown.length)} more: filter the list by Attention.</span>
      )}
    </section>
  )
}
