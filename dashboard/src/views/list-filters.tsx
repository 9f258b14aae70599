import { setQuery } from '../route.ts'
import { isOfOneWorkspace } from '../session.ts'
import { sources, sourceTypes } from '../words/source-defaults.ts'
import type { KeyFilters } from './key-pages.ts'
import { KeySearch } from './key-search.tsx'
import { columns, keyLinks } from './key-table.tsx'

export function ListFilters({ filters, onSort }: { filters: KeyFilters; onSort: (by: string) => void }) {
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
