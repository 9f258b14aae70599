import { useEffect, useState } from 'preact/hooks'
import type { WriteKey } from '../api/wire.ts'
import { Empty, ErrorNotice } from '../parts/notice.tsx'
import { useData, useTask } from '../parts/task.ts'
import { ReadAt } from '../parts/time.tsx'
import { query, setQuery } from '../route.ts'
import { canWrite, isOfOneWorkspace, useApi } from '../session.ts'
import { saveFile, toCsv } from '../words/export.ts'
import { formatCount, plural } from '../words/format.ts'
import { sources, sourceTypes } from '../words/source-defaults.ts'
import { BulkActions } from './bulk-actions.tsx'
import { CreateKey } from './create-key.tsx'
import { ImportKeys } from './import-keys.tsx'
import { allKeys, type KeyFilters, rowsPerPage, useKeyPages } from './key-pages.ts'
import { KeySearch } from './key-search.tsx'
import { columns, KeyTable, keyLinks } from './key-table.tsx'
import { ListSummary } from './list-summary.tsx'

/** Names and states read best upwards, times and figures downwards. */
const startsAscending = new Set(['name', 'environment'])

export function KeyList() {
  const api = useApi()
  const value = (name: string) => query.value[name] ?? ''
  const filters: KeyFilters = {
    q: value('q').slice(0, 100),
    status: value('status'),
    concern: value('concern'),
    source_type: value('source_type'),
    environment: value('environment'),
    workspace: value('workspace'),
    sort: value('sort') || '-created_at',
  }
  const [dialog, setDialog] = useState<'create' | 'import' | null>(null)
  const [chosen, setChosen] = useState<ReadonlyMap<string, WriteKey>>(new Map())
  const list = useKeyPages(filters)
  // Adding up 20 000 keys takes the server a second, so the list is requested first.
  const [isListed, setListed] = useState(false)
  const hasAnswer = list.keys !== null || list.error !== null
  useEffect(() => {
    if (hasAnswer) setListed(true)
  }, [hasAnswer])
  const overview = useData(
    `overview ${isListed}`,
    async () => (isListed ? api.overview('key', '24h') : null),
    60_000,
  )
  const isFiltered = ['q', 'status', 'concern', 'source_type', 'environment', 'workspace'].some(
    (name) => value(name) !== '',
  )

  function sortBy(by: string) {
    const isSame = filters.sort.replace(/^-/, '') === by
    const isDescending = isSame ? !filters.sort.startsWith('-') : !startsAscending.has(by)
    setQuery({ sort: `${isDescending ? '-' : ''}${by}`.replace(/^-created_at$/, '') })
  }

  function choose(keys: WriteKey[], isChosen: boolean) {
    const next = new Map(chosen)
    for (const key of keys) {
      if (isChosen) next.set(key.id, key)
      else next.delete(key.id)
    }
    setChosen(next)
  }

  function closeDialog() {
    setDialog(null)
    void list.reload()
  }

  return (
    <>
      <div class="page-head">
        <h1>Write keys</h1>
        <span class="muted" aria-live="polite">
          {list.total !== null && plural(list.total, 'key')}
        </span>
        <ReadAt time={list.readAt} />
        <span class="grow" />
        <ExportButton filters={filters} />
        {canWrite() && (
          <>
            <button type="button" onClick={() => setDialog('import')}>
              Import keys
            </button>
            <button type="button" class="primary" onClick={() => setDialog('create')}>
              Create write key
            </button>
          </>
        )}
      </div>
      {overview.data !== null && overview.data.total.keys > 0 && (
        <ListSummary overview={overview.data} readAt={overview.readAt} />
      )}
      <ListFilters filters={filters} onSort={sortBy} />
      <ErrorNotice error={list.error} />
      <BulkActions
        chosen={[...chosen.values()]}
        onClear={() => setChosen(new Map())}
        onDone={() => {
          setChosen(new Map())
          void list.reload()
        }}
      />
      {list.keys === null && list.error === null && <TableSkeleton />}
      {list.keys?.length === 0 && <NoKeys isFiltered={isFiltered} />}
      {list.keys !== null && list.keys.length > 0 && (
        <KeyTable
          keys={list.keys}
          overview={overview.data}
          sort={filters.sort}
          onSort={sortBy}
          chosen={chosen}
          onChoose={choose}
        />
      )}
      {(list.page > 1 || list.hasNext) && (
        <nav class="pager" aria-label="Pages">
          <button type="button" disabled={list.page === 1} onClick={list.previous}>
            Previous
          </button>
          <span class="muted">
            Page {list.page}
            {list.total !== null && ` of ${formatCount(Math.ceil(list.total / rowsPerPage))}`}
          </span>
          <button type="button" disabled={!list.hasNext} onClick={list.next}>
            Next
          </button>
        </nav>
      )}
      {dialog === 'import' && <ImportKeys onClose={closeDialog} />}
      {dialog === 'create' && <CreateKey onClose={closeDialog} />}
    </>
  )
}

function ListFilters({ filters, onSort }: { filters: KeyFilters; onSort: (by: string) => void }) {
  return (
    <div class="filters">
      <KeySearch onDown={() => keyLinks()[0]?.focus()} />
      <select
        aria-label="Status"
        value={filters.status}
        onChange={(event) => setQuery({ status: event.currentTarget.value })}
      >
        <option value="">Any status</option>
        <option value="active">Active</option>
        <option value="rotating">Rotating</option>
        <option value="paused">Paused</option>
        <option value="expired">Expired</option>
        <option value="revoked">Revoked</option>
      </select>
      <select
        aria-label="Attention"
        value={filters.concern}
        onChange={(event) => setQuery({ concern: event.currentTarget.value })}
      >
        <option value="">Any attention</option>
        <option value="grace_ending">Old secret ends within a day</option>
        <option value="old_secret">Secret older than 90 days</option>
        <option value="unused">Unused for 30 days</option>
      </select>
      <select
        aria-label="Source type"
        value={filters.source_type}
        onChange={(event) => setQuery({ source_type: event.currentTarget.value })}
      >
        <option value="">Any source</option>
        {sourceTypes.map((type) => (
          <option key={type} value={type}>
            {sources[type].label}
          </option>
        ))}
      </select>
      {(isOfOneWorkspace() ? (['environment'] as const) : (['environment', 'workspace'] as const)).map(
        (name) => (
          <input
            key={name}
            class="short"
            aria-label={name === 'environment' ? 'Environment' : 'Workspace'}
            placeholder={name === 'environment' ? 'Environment' : 'Workspace'}
            maxLength={100}
            value={filters[name]}
            onChange={(event) => setQuery({ [name]: event.currentTarget.value.trim() })}
          />
        ),
      )}
      <select
        class="narrow-only"
        aria-label="Sort by"
        value={filters.sort.replace(/^-/, '')}
        onChange={(event) => onSort(event.currentTarget.value)}
      >
        {columns.map(
          ({ sort, label }) =>
            sort !== undefined && (
              <option key={sort} value={sort}>
                By {label.toLowerCase()}
              </option>
            ),
        )}
      </select>
    </div>
  )
}

/** All keys that fit, not only those on the page. */
function ExportButton({ filters }: { filters: KeyFilters }) {
  const api = useApi()
  const { start, busy, error } = useTask(async (format: string) => {
    const keys = await allKeys(api, filters)
    if (format === 'csv') saveFile('write-keys.csv', 'text/csv', toCsv(keys))
    else saveFile('write-keys.json', 'application/json', JSON.stringify(keys, null, 2))
  })
  return (
    <>
      <ErrorNotice error={error} />
      <select
        class="export"
        aria-label="Export"
        disabled={busy}
        value=""
        onChange={(event) => {
          const format = event.currentTarget.value
          event.currentTarget.value = ''
          if (format !== '') void start(format)
        }}
      >
        <option value="">{busy ? 'Exporting…' : 'Export…'}</option>
        <option value="csv">As CSV</option>
        <option value="json">As JSON</option>
      </select>
    </>
  )
}

function NoKeys({ isFiltered }: { isFiltered: boolean }) {
  return (
    <Empty title={isFiltered ? 'No key fits' : 'No write keys yet'}>
      <p class="muted">
        {isFiltered
          ? 'Change the search or the filters.'
          : 'A write key lets one source, such as a web app, send events to this application.'}
      </p>
    </Empty>
  )
}

function TableSkeleton() {
  return (
    <div role="status">
      <span class="visually-hidden">Loading…</span>
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} class="skeleton row-skeleton" />
      ))}
    </div>
  )
}
