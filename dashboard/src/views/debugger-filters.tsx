import { useEffect, useRef, useState } from 'preact/hooks'
import { reasonAdvice } from '../../../src/verifier/reason-advice.ts'
import { query, setQuery } from '../route.ts'
import { eventTypes } from '../words/source-defaults.ts'
import { KeyPicker } from './key-picker.tsx'

/** What the server can filter by, as it stands in the address of the page. */
export const filterNames = [
  'key_id',
  'outcome',
  'reason',
  'type',
  'name',
  'origin',
  'address',
  'process',
  'q',
] as const

const textFilters = [
  { name: 'name', label: 'Event name' },
  { name: 'origin', label: 'Origin' },
  { name: 'address', label: 'Address' },
  { name: 'process', label: 'Process' },
  { name: 'q', label: 'Any text' },
] as const

export function DebuggerFilters({ isByProblem }: { isByProblem: boolean }) {
  const value = (name: string) => query.value[name] ?? ''
  const isFiltered = filterNames.some((name) => value(name) !== '')
  return (
    <div class="filters">
      <KeyPicker keyId={value('key_id')} onChoose={(key_id) => setQuery({ key_id })} />
      {!isByProblem && (
        <select
          aria-label="Outcome"
          value={value('outcome')}
          onChange={(event) => setQuery({ outcome: event.currentTarget.value })}
        >
          <option value="">Any outcome</option>
          <option value="accepted">Accepted</option>
          <option value="refused">Refused</option>
          <option value="would_refuse">Would be refused (on trial)</option>
        </select>
      )}
      <select
        aria-label="Reason"
        value={value('reason')}
        onChange={(event) => setQuery({ reason: event.currentTarget.value })}
      >
        <option value="">Any reason</option>
        {Object.entries(reasonAdvice).map(([reason, { cause }]) => (
          <option key={reason} value={reason}>
            {cause}
          </option>
        ))}
      </select>
      {!isByProblem && (
        <>
          <select
            aria-label="Type"
            value={value('type')}
            onChange={(event) => setQuery({ type: event.currentTarget.value })}
          >
            <option value="">Any type</option>
            {[...new Set([...eventTypes, ...(value('type') === '' ? [] : [value('type')])])].map((type) => (
              <option key={type} value={type}>
                {type}
              </option>
            ))}
          </select>
          {textFilters.map(({ name, label }) => (
            <TextFilter key={name} name={name} label={label} />
          ))}
        </>
      )}
      {isFiltered && (
        <button
          type="button"
          class="small"
          onClick={() => setQuery(Object.fromEntries(filterNames.map((name) => [name, ''])))}
        >
          Reset filters
        </button>
      )}
    </div>
  )
}

/** Waits until nobody types any more. */
function TextFilter({ name, label }: { name: string; label: string }) {
  const stored = query.value[name] ?? ''
  const [text, setText] = useState(stored)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => setText(stored), [stored])
  useEffect(() => () => clearTimeout(timer.current), [])
  return (
    <input
      class="short"
      type="search"
      aria-label={label}
      placeholder={label}
      autoComplete="off"
      spellcheck={false}
      maxLength={200}
      value={text}
      onInput={(event) => {
        const { value } = event.currentTarget
        setText(value)
        clearTimeout(timer.current)
        timer.current = setTimeout(() => setQuery({ [name]: value.trim() }), 300)
      }}
    />
  )
}
