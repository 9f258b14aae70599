import type { KeyName } from '../api/wire.ts'
import { keyHref } from '../route.ts'
import { PlainText } from './plain-text.tsx'

interface KeyLabelProps {
  id: string
  /** null: there is no such key any more. */
  of: KeyName | null | undefined
  /** Its name at that time. Default: its current name. */
  name?: string | undefined
}

/** A key, with the fields that tell it from another key of the same name. */
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
