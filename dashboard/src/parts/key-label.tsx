import type { KeyName } from '../api/wire.ts'
import { keyHref } from '../route.ts'
import { PlainText } from './plain-text.tsx'

interface KeyLabelProps {
  id: string
  /** null: there is no such key any more. */
  of: KeyName | null | undefined
  /** What it was called then; default: as it is called now. */
  name?: string | undefined
}

/** A key with what tells it from another one of the same name. */
export function KeyLabel({ id, of: key, name }: KeyLabelProps) {
  return (
    <span class="key-label">
      <a href={keyHref(id)}>
        <PlainText text={name ?? key?.name ?? id} />
      </a>{' '}
      {key ? (
        <KeyMarks of={key} />
      ) : (
        <span class="muted mono">
          {name !== undefined && id} {key === null && 'deleted'}
        </span>
      )}
    </span>
  )
}

/** Environment, workspace and start of the secret. */
export function KeyMarks({
  of: { environment, workspace, start },
}: {
  of: Omit<KeyName, 'name' | 'source_type'>
}) {
  return (
    <span class="key-marks muted">
      <PlainText text={environment} />
      {workspace !== null && (
        <>
          {' · '}
          <PlainText text={workspace} />
        </>
      )}
      {start !== null && (
        <>
          {' · '}
          <PlainText class="mono" text={`${start}…`} />
        </>
      )}
    </span>
  )
}
