import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import { say } from '../flash.ts'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { keyHref, query, setQuery } from '../route.ts'
import { useApi } from '../session.ts'
import { findSecret, mayBeSecret, withoutSecrets } from '../words/secret-in-text.ts'

/** One field for a name, an id, an environment, the start of a secret, or a whole secret that was pasted. */
export function KeySearch({ onDown }: { onDown: () => void }) {
  const stored = query.value.q ?? ''
  const [text, setText] = useState(stored)
  const field = useRef<HTMLInputElement>(null)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  // What somebody types stays in the field, although an address may hold less of it.
  useEffect(() => setText((typed) => (withoutSecrets(typed.trim()) === stored ? typed : stored)), [stored])
  useEffect(() => () => clearTimeout(timer.current), [])

  useSlash(field)
  const { find, unknown, forget } = useFindBySecret(() => setText(''))

  function type(value: string, isPasted: boolean) {
    const given = value.trim()
    clearTimeout(timer.current)
    forget()
    const ours = findSecret(given)
    if (ours !== null) {
      setText('')
      setQuery({ q: '' })
      void find.start(ours, true)
      return
    }
    setText(value)
    if (isPasted && mayBeSecret(given)) void find.start(given, false)
    else timer.current = setTimeout(() => search(given), 200)
  }

  function search(words: string) {
    forget()
    setQuery({ q: words })
  }

  return (
    <>
      <input
        ref={field}
        type="search"
        aria-label="Search by name, id, environment or secret"
        placeholder="Search, or paste a secret   /"
        autoComplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) =>
          type(
            event.currentTarget.value,
            /^insertFrom(Paste|Drop)$/.test((event as InputEvent).inputType ?? ''),
          )
        }
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown') return
          event.preventDefault()
          onDown()
        }}
      />
      {find.busy && <span class="muted">Looking for the key of this secret…</span>}
      {unknown !== '' && (
        <Notice level="info">
          No key here has this as its secret.{' '}
          <button type="button" class="small" onClick={() => search(unknown)}>
            Search for it in names
          </button>
        </Notice>
      )}
      <ErrorNotice error={find.error} />
    </>
  )
}

/** A slash moves to the search, unless somebody types. */
function useSlash(field: RefObject<HTMLInputElement | null>) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
      const target = event.target as HTMLElement
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || document.querySelector('dialog[open]')) return
      event.preventDefault()
      field.current?.focus()
      field.current?.select()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
}

/** A secret goes in the body of a call: never into the address, nor into the history. */
function useFindBySecret(onFound: () => void) {
  const api = useApi()
  /** What was pasted, and is no key's secret. It may be a name, or a secret: only people can tell. */
  const [unknown, setUnknown] = useState('')
  const find = useTask(async (secret: string, isOurs: boolean) => {
    setUnknown('')
    try {
      const key = await api.findKey(secret)
      onFound()
      say('is the key of the secret that was pasted.', key.name)
      location.hash = keyHref(key.id)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
      if (!isOurs) return setUnknown(secret)
      throw new Error(
        'No key here has the secret that was pasted: it belongs to another store, or was deleted.',
      )
    }
  })
  return { find, unknown, forget: () => setUnknown('') }
}
