import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { focusedPlace, returnFocus } from '../focus.ts'
import { addGuard, hold } from '../guard.ts'
import { LossQuestion } from './loss-question.tsx'
import { ErrorNotice } from './notice.tsx'
import { TaskButton } from './task-button.tsx'

interface DialogProps {
  title: ComponentChildren
  onClose: () => void
  wide?: boolean
  /**
   * What is lost if the dialog is closed now, as a question. If set, closing, "back" and reload ask first.
   */
  loss?: string | null
  /** The label of the button that closes it anyway. */
  discard?: string
  children: ComponentChildren
}

const firstControl = ['.secret button', '.dialog-body :is(input, select, textarea)', '.dialog-foot button']
  .map((selector) => `:scope ${selector}`)
  .join(', ')

/** A modal dialog: the browser keeps the focus inside and gives it back; Escape closes it, or asks. */
export function Dialog({ title, onClose, wide, loss = null, discard = 'Discard', children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  const [leaving, setLeaving] = useState<{ go: () => void } | null>(null)
  // Before the browser paints: an Escape pressed at once must find the dialog open.
  useLayoutEffect(() => {
    const opener = focusedPlace()
    const dialog = element.current
    dialog?.showModal()
    const letGo = hold()
    // By default the close button would get the focus; focus the content first.
    dialog?.querySelector<HTMLElement>(firstControl)?.focus()
    return () => {
      // While it is open nothing behind it takes the focus.
      dialog?.close()
      letGo()
      returnFocus(opener)
    }
  }, [])

  const unguard = useRef(() => {})
  useLayoutEffect(() => {
    if (loss === null) return
    unguard.current = addGuard({ ask: (go) => setLeaving({ go }) })
    return () => unguard.current()
  }, [loss === null])

  function close() {
    if (loss === null) onClose()
    else setLeaving({ go: onClose })
  }

  function leave() {
    unguard.current()
    setLeaving(null)
    onClose()
    if (leaving?.go !== onClose) leaving?.go()
  }

  return (
    <dialog
      ref={element}
      tabIndex={-1}
      class={wide ? 'wide' : undefined}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault()
        if (event.target === element.current) close()
      }}
      onKeyDown={(event) => {
        // A second Escape in a row would close it without a cancel event.
        if (event.key !== 'Escape' || event.defaultPrevented) return
        event.preventDefault()
        if (leaving === null) close()
        else setLeaving(null)
      }}
    >
      <header class="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="icon" aria-label="Close" onClick={close}>
          ✕
        </button>
      </header>
      {leaving !== null && loss !== null && (
        <LossQuestion loss={loss} discard={discard} onStay={() => setLeaving(null)} onLeave={leave} />
      )}
      {children}
    </dialog>
  )
}

interface ConfirmProps {
  title: ComponentChildren
  action: string
  busy: boolean
  /** Whether there is nothing to confirm. */
  disabled?: boolean
  error: unknown
  onConfirm: () => void
  onClose: () => void
  children: ComponentChildren
}

/** Asks before something that cannot be undone. */
export function ConfirmDialog(props: ConfirmProps) {
  const { title, action, busy, disabled = false, error, onConfirm, onClose, children } = props
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-body">
        {children}
        <ErrorNotice error={error} />
      </div>
      <footer class="dialog-foot">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <TaskButton class="danger" busy={busy} disabled={disabled} onClick={onConfirm}>
          {action}
        </TaskButton>
      </footer>
    </Dialog>
  )
}
