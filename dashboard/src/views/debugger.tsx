import { useEffect, useState } from 'preact/hooks'
import type { Decision } from '../api/wire.ts'
import { Empty, ErrorNotice, Notice } from '../parts/notice.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { query, setQuery } from '../route.ts'
import { useApi } from '../session.ts'
import { formatCount, plural } from '../words/format.ts'
import { DebuggerFilters, filterNames } from './debugger-filters.tsx'
import { DecisionList } from './decision-list.tsx'
import { useLiveDecisions } from './live-decisions.ts'
import { ProblemList } from './problem-list.tsx'

export function Debugger() {
  const isByProblem = query.value.tab === 'problems'
  const filters = Object.fromEntries(
    filterNames.map((name) => [name, query.value[name] ?? '']).filter(([, value]) => value !== ''),
  )
  const tab = (label: string, name: string, isShown: boolean) => (
    <button type="button" aria-pressed={isShown} onClick={() => setQuery({ tab: name, open: '' })}>
      {label}
    </button>
  )
  return (
    <>
      <div class="page-head">
        <h1>Event debugger</h1>
        <fieldset class="segments" aria-label="Show">
          {tab('Events', '', !isByProblem)}
          {tab('By problem', 'problems', isByProblem)}
        </fieldset>
      </div>
      <DebuggerFilters isByProblem={isByProblem} />
      {isByProblem ? (
        <ProblemList
          filters={{
            ...(filters.key_id !== undefined && { key_id: filters.key_id }),
            ...(filters.reason !== undefined && { reason: filters.reason }),
          }}
        />
      ) : (
        <Events filters={filters} />
      )}
    </>
  )
}

function Events({ filters }: { filters: Record<string, string> }) {
  const [isPaused, setPaused] = useState(false)
  const search = new URLSearchParams(filters).toString()
  const { decisions, held, missed, connection, error, clear } = useLiveDecisions(search, isPaused)
  const openRef = query.value.open
  const isKept = openRef === undefined || decisions.some(({ ref }) => ref === openRef)
  const state = isPaused ? 'paused' : connection
  return (
    <>
      <div class="list-note">
        <span class={`live ${state}`} role="status">
          {
            {
              connecting: 'Connecting…',
              live: 'Live',
              paused: `Paused${held > 0 ? ` · ${formatCount(held)} new` : ''}`,
              lost: 'Connection lost, trying again…',
            }[state]
          }
        </span>
        <span class="muted">{plural(decisions.length, 'decision')}</span>
        {missed > 0 && (
          <span class="warn-text">{formatCount(missed)} more were too many to show one by one</span>
        )}
        <span class="grow" />
        <button type="button" class="small" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <button type="button" class="small" onClick={clear}>
          Clear
        </button>
      </div>
      <ErrorNotice error={error} />
      {!isKept && connection === 'live' && decisions.length > 0 && (
        <Notice level="info">
          The decision of this link is not kept any more. Shown is what is known of the same key.
        </Notice>
      )}
      {decisions.length === 0 && connection !== 'connecting' && (
        <NothingYet isFiltered={search !== ''} keyId={filters.key_id} />
      )}
      {decisions.length > 0 && (
        <section class="card flush">
          <DecisionList key={openRef} decisions={decisions} showKey openRef={openRef} />
        </section>
      )}
    </>
  )
}

/** An empty list only means that no kept decision matches the filters. */
function NothingYet({ isFiltered, keyId }: { isFiltered: boolean; keyId: string | undefined }) {
  const api = useApi()
  const { data } = useData('scope', () => api.decisions({ limit: '1' }), 5_000)
  const isOneProcess = data?.scope === 'process'
  const latest: Decision | undefined = data?.data[0]
  const [isOther, setOther] = useState(false)
  useEffect(() => setOther(latest !== undefined && isFiltered), [latest?.ref, isFiltered])
  return (
    <Empty title="Waiting for events">
      <p class="muted">
        {isOther
          ? 'Events are arriving, but none of those kept match the filters.'
          : 'Requests appear here as they are decided. If none appear, they may go to another workspace, or be sent with a key that belongs to one.'}
        {isOneProcess &&
          ' The store carries nothing between processes: this is the view of the one that answered.'}
        {keyId !== undefined && ' Earlier refusals of this key are under "By problem".'}
      </p>
    </Empty>
  )
}
