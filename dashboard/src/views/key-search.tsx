import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import { say } from '../flash.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { keyHref, query, setQuery } from '../route.ts'
import { useApi } from '../session.ts'

/** One field for a name, an id, an environment, the start of a secret, or a whole secret that was pasted. */
export function KeySearch({ onDown }: { onDown: () => void }) {
  const api = useApi()
  const stored = query.value.q ?? ''
  const [text, setText] = useState(stored)
  const field = useRef<HTMLInputElement>(null)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => setText(stored), [stored])
  useEffect(() => () => clearTimeout(timer.current), [])

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

  // A secret goes in the body of a call: never into the address, nor into the history, and it is not left in the field.
  const find = useTask(async (secret: string) => {
    try {
      const key = await api.findKey(secret)
      say('is the key of the secret that was pasted.', key.name)
      location.hash = keyHref(key.id)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
      throw new Error(
        'No key here has the secret that was pasted: it belongs to another store, or was deleted.',
      )
    }
  })

  function type(value: string, isPasted: boolean) {
    clearTimeout(timer.current)
    if (isSecret(value.trim(), isPasted)) {
      setText('')
      setQuery({ q: '' })
      void find.start(value.trim())
      return
    }
    setText(value)
    timer.current = setTimeout(() => setQuery({ q: value.trim() }), 200)
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
          type(event.currentTarget.value, (event as InputEvent).inputType === 'insertFromPaste')
        }
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown') return
          event.preventDefault()
          onDown()
        }}
      />
      {find.busy && <span class="muted">Looking for the key of this secret…</span>}
      <ErrorNotice error={find.error} />
    </>
  )
}

/**
 * Longer than an id and without a space: it may be a secret, so send it in a body instead of putting it into
 * an address.
 */
function isSecret(text: string, isPasted: boolean): boolean {
  if (/\s/.test(text)) return false
  if (text.length >= 32) return true
  return isPasted && !text.startsWith('wk_') && /^[!-~]{16,}$/.test(text) && /\d/.test(text)
}
