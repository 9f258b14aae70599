import type { ComponentChildren } from 'preact'
import { errorText } from '../words/fields.ts'

export function Notice({
  level,
  children,
}: {
  level: 'bad' | 'warn' | 'good' | 'info'
  children: ComponentChildren
}) {
  return (
    <div class={`notice ${level}`} role={level === 'bad' ? 'alert' : undefined}>
      {children}
    </div>
  )
}

export function ErrorNotice({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null
  return <Notice level="bad">{errorText(error)}</Notice>
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}
