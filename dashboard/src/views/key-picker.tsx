import { useEffect, useState } from 'preact/hooks'
import type { WriteKey } from '../api/wire.ts'
import { KeyLabel } from '../parts/key-label.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { useApi } from '../session.ts'
import { currentSecret } from '../words/key-status.ts'
import { withoutSecrets } from '../words/secret-in-text.ts'

/** Chooses one key among any number by typing a part of what it is called. */
export function KeyPicker({ keyId, onChoose }: { keyId: string; onChoose: (id: string) => void }) {
  return keyId === '' ? <Search onChoose={onChoose} /> : <ChosenKey id={keyId} onClear={() => onChoose('')} />
}

function ChosenKey({ id, onClear }: { id: string; onClear: () => void }) {
  const api = useApi()
  const { data: key } = useData(id, () => api.getKey(id))
  return (
    <span class="chip">
      <KeyLabel id={id} of={key === null ? undefined : toName(key)} />
      <button type="button" class="icon" aria-label="Any key" title="Any key" onClick={onClear}>
        ✕
      </button>
    </span>
  )
}

function Search({ onChoose }: { onChoose: (id: string) => void }) {
  const api = useApi()
  const [text, setText] = useState('')
  const [found, setFound] = useState<WriteKey[]>([])
  useEffect(() => {
    let isOver = false
    const timer = setTimeout(async () => {
      const page = await api
        .listKeys({ q: withoutSecrets(text.trim()), limit: '20', sort: 'name' })
        .catch(() => null)
      if (!isOver && page !== null) setFound(page.data)
    }, 200)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [text, api])
  return (
    <>
      <input
        type="search"
        aria-label="Key"
        placeholder="Key: name, id or start"
        list="keys-found"
        autoComplete="off"
        maxLength={100}
        value={text}
        onInput={(event) => {
          const { value } = event.currentTarget
          if (found.some(({ id }) => id === value)) onChoose(value)
          else setText(value)
        }}
      />
      <datalist id="keys-found">
        {found.map((key) => (
          <option key={key.id} value={key.id}>
            {`\u2068${key.name}\u2069 · ${key.environment} · ${currentSecret(key)?.start ?? ''}`}
          </option>
        ))}
      </datalist>
    </>
  )
}

export function toName(key: WriteKey) {
  const { name, environment, workspace, source_type } = key
  return { name, environment, workspace, source_type, start: currentSecret(key)?.start ?? null }
}
