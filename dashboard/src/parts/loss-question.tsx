import { useEffect, useRef } from 'preact/hooks'

interface LossQuestionProps {
  loss: string
  discard: string
  onStay: () => void
  onLeave: () => void
}

/** Asks before something that was typed, or is shown only once, is lost. */
export function LossQuestion({ loss, discard, onStay, onLeave }: LossQuestionProps) {
  const stay = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    const before = document.activeElement
    stay.current?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <div class="loss" role="alertdialog" aria-label="Close without saving?" aria-describedby="loss-text">
      <p id="loss-text">{loss}</p>
      <div class="actions">
        <button type="button" class="primary" ref={stay} onClick={onStay}>
          Stay here
        </button>
        <button type="button" class="danger-quiet" onClick={onLeave}>
          {discard}
        </button>
      </div>
    </div>
  )
}
