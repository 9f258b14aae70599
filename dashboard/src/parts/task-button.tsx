import type { ComponentProps } from 'preact'

interface TaskButtonProps extends Omit<ComponentProps<'button'>, 'aria-disabled'> {
  busy: boolean
}

/** Starts a task, and does nothing while one runs. A button that is disabled meanwhile would lose the focus. */
export function TaskButton({ busy, onClick, ...rest }: TaskButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-disabled={busy ? 'true' : undefined}
      onClick={(event) => {
        if (!busy) return onClick?.(event)
        // Nor does it submit a form.
        event.preventDefault()
      }}
    />
  )
}
