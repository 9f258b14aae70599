import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

interface DialogProps {
  title: ComponentChildren
  onClose: () => void
  wide?: boolean
  children: ComponentChildren
}

const firstControl = ['.secret button', '.dialog-body :is(input, select, textarea)', '.dialog-foot button']
  .map((selector) => `:scope ${selector}`)
  .join(', ')

/** A modal dialog: the browser keeps the focus inside and gives it back; Escape and a click outside close it. */
export function Dialog({ title, onClose, wide, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  // Before the browser paints: an Escape pressed at once must find the dialog open.
  useLayoutEffect(() => {
    const opener = document.activeElement
    const dialog = element.current
    dialog?.showModal()
    // By default the focus would be on the button that closes: what one came for is first.
    dialog?.querySelector<HTMLElement>(firstControl)?.focus()
    return () => {
      // While it is open nothing behind it takes the focus.
      dialog?.close()
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      class={wide ? 'wide' : undefined}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <header class="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="icon" aria-label="Close" onClick={onClose}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  )
}

interface ConfirmProps {
  title: ComponentChildren
  action: string
  busy: boolean
  error: unknown
  onConfirm: () => void
  onClose: () => void
  children: ComponentChildren
}

/** Asks before something that cannot be undone. */
export function ConfirmDialog({ title, action, busy, error, onConfirm, onClose, children }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-body">
        {children}
        {error !== null && error !== undefined && (
          <div class="notice bad" role="alert">
            {error instanceof Error ? error.message : String(error)}
          </div>
        )}
      </div>
      <footer class="dialog-foot">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="danger" disabled={busy} onClick={onConfirm}>
          {action}
        </button>
      </footer>
    </Dialog>
  )
}
