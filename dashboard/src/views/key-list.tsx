import { useMemo, useState } from 'preact/hooks'
import type { SourceType, WriteKey } from '../api/wire.ts'
import { moment } from '../clock.ts'
import { Sparkline } from '../parts/charts.tsx'
import { Empty, ErrorNotice, Notice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { StatusPill } from '../parts/status-pill.tsx'
import { Ago } from '../parts/time.tsx'
import { keyHref } from '../route.ts'
import { canWrite } from '../session.ts'
import { formatCompact, formatCount, formatDay, plural } from '../words/format.ts'
import { type KeyStatus, staleDays, statusOf } from '../words/key-status.ts'
import { sources, sourceTypes } from '../words/source-defaults.ts'
import { CreateKey } from './create-key.tsx'
import { ImportKeys } from './import-keys.tsx'
import { maxLoadedKeys, useAllKeys } from './loaded-keys.ts'

const rowsPerPage = 50

type SortBy = 'name' | 'status' | 'created' | 'last event' | 'volume' | 'refused'
const columns: { by: SortBy; label: string; number?: boolean }[] = [
  { by: 'name', label: 'Name' },
  { by: 'status', label: 'Status' },
  { by: 'created', label: 'Created' },
  { by: 'last event', label: 'Last event' },
  { by: 'volume', label: 'Volume, 24 h', number: true },
  { by: 'refused', label: 'Refused, 24 h', number: true },
]
/** Names and states read best upwards, times and figures downwards. */
const startsAscending = new Set<SortBy>(['name', 'status'])

export function KeyList() {
  const [q, setQ] = useState('')
  const [status, setStatus] = useState<KeyStatus | ''>('')
  const [source, setSource] = useState<SourceType | ''>('')
  const [sort, setSort] = useState<{ by: SortBy; ascending: boolean }>({ by: 'created', ascending: false })
  const [page, setPage] = useState(0)
  const [creating, setCreating] = useState(false)
  const [importing, setImporting] = useState(false)
  const { keys, isComplete, isTruncated, error, reload } = useAllKeys(q)

  const found = useMemo(() => {
    const now = moment.peek()
    const text = q.trim().toLowerCase()
    return (keys ?? [])
      .filter(
        (key) =>
          (text === '' || key.name.toLowerCase().includes(text) || key.id.toLowerCase().startsWith(text)) &&
          (status === '' || statusOf(key, now) === status) &&
          (source === '' || key.source_type === source),
      )
      .sort((a, b) => compareKeys(a, b, sort.by, now) * (sort.ascending ? 1 : -1))
  }, [keys, q, status, source, sort])

  const pages = Math.max(1, Math.ceil(found.length / rowsPerPage))
  const current = Math.min(page, pages - 1)
  const rows = found.slice(current * rowsPerPage, (current + 1) * rowsPerPage)

  function sortBy(by: SortBy) {
    setSort(({ by: before, ascending }) => ({
      by,
      ascending: by === before ? !ascending : startsAscending.has(by),
    }))
    setPage(0)
  }

  return (
    <>
      <div class="page-head">
        <h1>Write keys</h1>
        <span class="muted" aria-live="polite">
          {keys !== null && `${plural(found.length, 'key')}${isComplete ? '' : ' so far…'}`}
        </span>
        <span class="grow" />
        {canWrite() && (
          <button type="button" onClick={() => setImporting(true)}>
            Import keys
          </button>
        )}
        {canWrite() && (
          <button type="button" class="primary" onClick={() => setCreating(true)}>
            Create write key
          </button>
        )}
      </div>
      <div class="filters">
        <input
          type="search"
          aria-label="Search by name or id"
          placeholder="Search by name or id"
          autoComplete="off"
          spellcheck={false}
          maxLength={100}
          value={q}
          onInput={(event) => {
            setQ(event.currentTarget.value)
            setPage(0)
          }}
        />
        <select
          aria-label="Status"
          value={status}
          onChange={(event) => {
            setStatus(event.currentTarget.value as KeyStatus | '')
            setPage(0)
          }}
        >
          <option value="">Any status</option>
          <option value="active">Active</option>
          <option value="rotating">Rotating</option>
          <option value="expired">Expired</option>
          <option value="revoked">Revoked</option>
        </select>
        <select
          aria-label="Source type"
          value={source}
          onChange={(event) => {
            setSource(event.currentTarget.value as SourceType | '')
            setPage(0)
          }}
        >
          <option value="">Any source</option>
          {sourceTypes.map((type) => (
            <option key={type} value={type}>
              {sources[type].label}
            </option>
          ))}
        </select>
        <select
          class="narrow-only"
          aria-label="Sort by"
          value={sort.by}
          onChange={(event) => sortBy(event.currentTarget.value as SortBy)}
        >
          {columns.map(({ by }) => (
            <option key={by} value={by}>
              By {by}
            </option>
          ))}
        </select>
      </div>
      <ErrorNotice error={error} />
      {isTruncated && (
        <Notice level="info">
          Showing the newest {formatCount(maxLoadedKeys)} keys; search to find others.
        </Notice>
      )}
      {keys === null && error === null && <p class="loading">Loading…</p>}
      {keys !== null && found.length === 0 && isComplete && (
        <Empty title={keys.length === 0 && q === '' ? 'No write keys yet' : 'No key fits'}>
          {keys.length === 0 && q === '' ? (
            <p class="muted">
              A write key lets one source, such as a web app, send events to this application.
            </p>
          ) : (
            <p class="muted">Change the search or the filters.</p>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <table class="keys">
          <thead>
            <tr>
              {columns.map(({ by, label, number }) => (
                <th
                  key={by}
                  scope="col"
                  class={number ? 'number' : undefined}
                  aria-sort={sort.by === by ? (sort.ascending ? 'ascending' : 'descending') : undefined}
                >
                  <button type="button" class="plain" onClick={() => sortBy(by)}>
                    {label}
                    <span class="arrow" aria-hidden="true">
                      {sort.by === by ? (sort.ascending ? '↑' : '↓') : ''}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((key) => (
              <KeyRow key={key.id} of={key} />
            ))}
          </tbody>
        </table>
      )}
      {pages > 1 && (
        <nav class="pager" aria-label="Pages">
          <button type="button" disabled={current === 0} onClick={() => setPage(current - 1)}>
            Previous
          </button>
          <span class="muted">
            Page {current + 1} of {pages}
          </span>
          <button type="button" disabled={current === pages - 1} onClick={() => setPage(current + 1)}>
            Next
          </button>
        </nav>
      )}
      {importing && (
        <ImportKeys
          onClose={() => {
            setImporting(false)
            void reload()
          }}
        />
      )}
      {creating && (
        <CreateKey
          onClose={() => {
            setCreating(false)
            void reload()
          }}
        />
      )}
    </>
  )
}

function KeyRow({ of: key }: { of: WriteKey }) {
  const days = staleDays(key, moment.value)
  const events = key.events_24h ?? 0
  const refused = key.rejected_24h ?? 0
  return (
    <tr>
      <td class="name">
        <a href={keyHref(key.id)}>
          <PlainText text={key.name} />
        </a>
        <div class="sub">
          <span>{sources[key.source_type]?.label ?? key.source_type}</span>
          <span class="mono">{key.id}</span>
          {key.environment !== 'production' && <PlainText class="tag" text={key.environment} />}
          {days !== null && <span class="tag warn">Rotate: {days} days old</span>}
        </div>
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
      <td data-label="Volume, 24 h" class="number">
        <span class="volume">
          {key.hourly_24h !== undefined && events > 0 && (
            <Sparkline values={key.hourly_24h} label={`${formatCount(events)} events in the last 24 hours`} />
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

const statusOrder: KeyStatus[] = ['active', 'rotating', 'paused', 'expired', 'revoked']

function compareKeys(a: WriteKey, b: WriteKey, by: SortBy, now: number): number {
  const created = a.created_at < b.created_at ? -1 : a.created_at > b.created_at ? 1 : 0
  switch (by) {
    case 'name':
      return a.name.localeCompare(b.name) || created
    case 'status':
      return statusOrder.indexOf(statusOf(a, now)) - statusOrder.indexOf(statusOf(b, now)) || created
    case 'last event':
      return (a.last_event_at ?? '').localeCompare(b.last_event_at ?? '') || created
    case 'volume':
      return (a.events_24h ?? 0) - (b.events_24h ?? 0) || created
    case 'refused':
      return (a.rejected_24h ?? 0) - (b.rejected_24h ?? 0) || created
    default:
      return created
  }
}
