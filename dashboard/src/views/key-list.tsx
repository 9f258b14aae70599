import { useEffect, useState } from 'preact/hooks'
import type { WriteKey } from '../api/wire.ts'
import { Empty, ErrorNotice } from '../parts/notice.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { ReadAt } from '../parts/time.tsx'
import { query, setQuery } from '../route.ts'
import { canWrite, useApi } from '../session.ts'
import { formatCount, plural } from '../words/format.ts'
import { BulkActions } from './bulk-actions.tsx'
import { CreateKey } from './create-key.tsx'
import { ExportKeys } from './export-keys.tsx'
import { ImportKeys } from './import-keys.tsx'
import { type KeyFilters, rowsPerPage, useKeyPages } from './key-pages.ts'
import { KeyTable } from './key-table.tsx'
import { ListFilters } from './list-filters.tsx'
import { ListSummary } from './list-summary.tsx'

/** Names and states read best upwards, times and figures downwards. */
const startsAscending = new Set(['name', 'environment'])

const filterNames = ['q', 'status', 'concern', 'source_type', 'environment', 'workspace'] as const

function filtersOf(given: Readonly<Record<string, string>>): KeyFilters {
  const value = (name: string) => given[name] ?? ''
  return {
    q: value('q').slice(0, 100),
    status: value('status'),
    concern: value('concern'),
    source_type: value('source_type'),
    environment: value('environment'),
    workspace: value('workspace'),
    sort: value('sort') || '-created_at',
  }
}

export function KeyList() {
  const filters = filtersOf(query.value)
  const [dialog, setDialog] = useState<'create' | 'import' | null>(null)
  const [chosen, setChosen] = useState<ReadonlyMap<string, WriteKey>>(new Map())
  const list = useKeyPages(filters)
  const overview = useOverview(list.keys !== null || list.error !== null)

  function sortBy(by: string) {
    const isSame = filters.sort.replace(/^-/, '') === by
    const isDescending = isSame ? !filters.sort.startsWith('-') : !startsAscending.has(by)
    setQuery({ sort: `${isDescending ? '-' : ''}${by}`.replace(/^-created_at$/, '') })
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
        <ExportKeys filters={filters} />
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
        onDone={(stillChosen) => {
          setChosen(withChosen(new Map(), stillChosen, true))
          void list.reload()
        }}
      />
      {list.keys === null && list.error === null && <TableSkeleton />}
      {list.keys?.length === 0 && <NoKeys isFiltered={filterNames.some((name) => filters[name] !== '')} />}
      {list.keys !== null && list.keys.length > 0 && (
        <KeyTable
          keys={list.keys}
          overview={overview.data}
          sort={filters.sort}
          onSort={sortBy}
          chosen={chosen}
          onChoose={(keys, isChosen) => setChosen(withChosen(chosen, keys, isChosen))}
        />
      )}
      <Pager of={list} />
      {dialog === 'import' && <ImportKeys onClose={closeDialog} />}
      {dialog === 'create' && <CreateKey onClose={closeDialog} />}
    </>
  )
}

/** Adding up 20 000 keys takes the server a second, so the list is requested first. */
function useOverview(hasList: boolean) {
  const api = useApi()
  const [isListed, setListed] = useState(false)
  useEffect(() => {
    if (hasList) setListed(true)
  }, [hasList])
  return useData(`overview ${isListed}`, async () => (isListed ? api.overview('key', '24h') : null), 60_000)
}

function withChosen(chosen: ReadonlyMap<string, WriteKey>, keys: WriteKey[], isChosen: boolean) {
  const next = new Map(chosen)
  for (const key of keys) {
    if (isChosen) next.set(key.id, key)
    else next.delete(key.id)
  }
  return next
}

function Pager({ of: list }: { of: ReturnType<typeof useKeyPages> }) {
  if (list.page === 1 && !list.hasNext) return null
  return (
    <nav class="pager" aria-label="Pages">
      <button type="button" data-focus="pages" disabled={list.page === 1} onClick={list.previous}>
        Previous
      </button>
      <span class="muted">
        Page {list.page}
        {list.total !== null && ` of ${formatCount(Math.ceil(list.total / rowsPerPage))}`}
      </span>
      <button type="button" data-focus="pages" disabled={!list.hasNext} onClick={list.next}>
        Next
      </button>
    </nav>
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
    <div role="status" data-loading>
      <span class="visually-hidden">Loading…</span>
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} class="skeleton row-skeleton" />
      ))}
    </div>
  )
}
