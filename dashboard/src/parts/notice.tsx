import type { ComponentChildren } from 'preact'

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
  return <Notice level="bad">{error instanceof Error ? error.message : String(error)}</Notice>
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}
