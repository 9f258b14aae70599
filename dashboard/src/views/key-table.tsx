import type { UsageOverview, WriteKey } from '../api/wire.ts'
import { moment } from '../clock.ts'
import { PlainText } from '../parts/plain-text.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { StatusPill } from '../parts/status-pill.tsx'
import { Ago } from '../parts/time.tsx'
import { keyHref } from '../route.ts'
import { formatCompact, formatCount, formatDay } from '../words/format.ts'
import { currentSecret, staleDays } from '../words/key-status.ts'
import { sources } from '../words/source-defaults.ts'

/** `sort`: what the server sorts by; absent: it cannot. */
export const columns: { sort?: string; label: string; number?: boolean }[] = [
  { sort: 'name', label: 'Name' },
  { sort: 'environment', label: 'Environment' },
  { label: 'Status' },
  { sort: 'created_at', label: 'Created' },
  { sort: 'last_event_at', label: 'Last event' },
  { sort: 'events_24h', label: 'Accepted, 24 h', number: true },
  { sort: 'rejected_24h', label: 'Refused, 24 h', number: true },
]

interface KeyTableProps {
  keys: WriteKey[]
  overview: UsageOverview | null
  sort: string
  onSort: (by: string) => void
  chosen: ReadonlyMap<string, WriteKey>
  onChoose: (keys: WriteKey[], isChosen: boolean) => void
}

export function KeyTable({ keys, overview, sort, onSort, chosen, onChoose }: KeyTableProps) {
  const by = sort.replace(/^-/, '')
  const series = new Map(overview?.data.map((group) => [group.group, group.series]))
  return (
    <table class="keys">
      <thead>
        <tr>
          <th scope="col" class="choose">
            <input
              type="checkbox"
              data-focus="choose"
              aria-label="Choose all on this page"
              checked={keys.every(({ id }) => chosen.has(id))}
              onChange={(event) => onChoose(keys, event.currentTarget.checked)}
            />
          </th>
          {columns.map(({ sort: name, label, number }) => (
            <th
              key={label}
              scope="col"
              class={number ? 'number' : undefined}
              aria-sort={by === name ? (sort.startsWith('-') ? 'descending' : 'ascending') : undefined}
            >
              {name === undefined ? (
                label
              ) : (
                <button
                  type="button"
                  class="plain"
                  data-focus={`sort by ${name}`}
                  onClick={() => onSort(name)}
                >
                  {label}
                  <span class="arrow" aria-hidden="true">
                    {by === name ? (sort.startsWith('-') ? '↓' : '↑') : ''}
                  </span>
                </button>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody onKeyDown={moveFocus}>
        {keys.map((key) => (
          <KeyRow
            key={key.id}
            of={key}
            series={series.get(key.id)}
            isChosen={chosen.has(key.id)}
            onChoose={(isChosen) => onChoose([key], isChosen)}
          />
        ))}
      </tbody>
    </table>
  )
}

/** Arrow keys go from key to key; Enter opens, as on every link. */
function moveFocus(event: KeyboardEvent): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (by === undefined) return
  const links = keyLinks()
  const at = links.findIndex((link) => link.closest('tr')?.contains(event.target as Node))
  const next = links[at + by]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}

export function keyLinks(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('table.keys td.name > a')]
}

interface KeyRowProps {
  of: WriteKey
  series: UsageOverview['data'][number]['series'] | undefined
  isChosen: boolean
  onChoose: (isChosen: boolean) => void
}

function KeyRow({ of: key, series, isChosen, onChoose }: KeyRowProps) {
  const days = staleDays(key, moment.value)
  const events = key.events_24h ?? 0
  const refused = key.rejected_24h ?? 0
  const start = currentSecret(key)?.start
  const label = `${formatCount(events)} accepted and ${formatCount(refused)} refused in the last 24 hours`
  return (
    <tr>
      <td class="choose">
        <input
          type="checkbox"
          aria-label={`Choose ${key.name} (${key.id})`}
          checked={isChosen}
          onChange={(event) => onChoose(event.currentTarget.checked)}
        />
      </td>
      <td class="name">
        <a href={keyHref(key.id)}>
          <PlainText text={key.name} />
        </a>
        <div class="sub">
          <span>{sources[key.source_type]?.label ?? key.source_type}</span>
          {start !== undefined && <PlainText class="mono" text={`${start}…`} />}
          <span class="mono">{key.id}</span>
          {days !== null && <span class="tag warn">Rotate: {days} days old</span>}
        </div>
      </td>
      <td data-label="Environment">
        <PlainText text={key.environment} />
        {key.workspace !== null && (
          <div class="muted small-text">
            <PlainText text={key.workspace} />
          </div>
        )}
      </td>
      <td data-label="Status">
        <StatusPill of={key} />
      </td>
      <td data-label="Created">
        <span class="nowrap">{formatDay(key.created_at)}</span>
      </td>
      <td data-label="Last event">
        <Ago time={key.last_event_at} />
      </td>
      <td data-label="Accepted, 24 h" class="number">
        <span class="volume">
          {events + refused > 0 && (
            <Sparkline
              accepted={series?.map(({ accepted }) => accepted) ?? key.hourly_24h ?? []}
              refused={series?.map((bucket) => bucket.refused) ?? []}
              label={label}
            />
          )}
          <span class={events === 0 ? 'muted figure' : 'figure'}>{formatCompact(events)}</span>
        </span>
      </td>
      <td data-label="Refused, 24 h" class="number">
        <span class={refused === 0 ? 'muted' : 'refused'}>{formatCompact(refused)}</span>
      </td>
    </tr>
  )
}
