import { useEffect, useState } from 'preact/hooks'

/** Copies on click, and says whether it worked: the clipboard is refused on pages without HTTPS. */
export function CopyButton({
  text,
  label = 'Copy',
  primary,
  onCopied,
}: {
  text: string
  label?: string
  primary?: boolean
  onCopied?: () => void
}) {
  const [outcome, setOutcome] = useState<'copied' | 'failed' | null>(null)
  useEffect(() => {
    if (outcome === null) return
    const timer = setTimeout(() => setOutcome(null), 2_500)
    return () => clearTimeout(timer)
  }, [outcome])

  async function copy() {
    const isCopied = await writeToClipboard(text)
    setOutcome(isCopied ? 'copied' : 'failed')
    if (isCopied) onCopied?.()
  }

  return (
    <button type="button" class={primary ? 'primary' : 'small'} onClick={copy}>
      <span aria-live="polite">
        {outcome === 'copied' ? 'Copied' : outcome === 'failed' ? 'Select and copy by hand' : label}
      </span>
    </button>
  )
}

async function writeToClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
