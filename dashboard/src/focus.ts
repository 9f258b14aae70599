/** A control that had the focus, with what finds it, or what took its place, after the page was drawn anew. */
export interface Place {
  element: HTMLElement
  /**
   * Its `data-focus`, or that of what it stands in. The control that is there instead later has the same one, such as
   * "Resume" for "Pause".
   */
  name: string | undefined
  around: HTMLElement[]
  /** False after a click: people who use a mouse do not want the page to scroll. */
  isByKeyboard: boolean
}

let place: Place | null = null

export const focusedPlace = (): Place | null => place

/** Gives the focus back, now or as soon as the page has been drawn. */
export function returnFocus(to: Place | null): void {
  if (to === null) return
  place = to
  if (isUsable(to.element)) to.element.focus()
}

/** People who use the keyboard begin at the top of the page again if what they pressed goes away with the focus. */
export function keepFocus(root: HTMLElement): void {
  addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLElement) place = placeOf(target)
  })
  // A click beside all controls takes the focus away on purpose.
  addEventListener('pointerdown', ({ target }) => {
    if (!document.activeElement?.contains(target as Node)) place = null
  })
  new MutationObserver(findAgain).observe(root, {
    subtree: true,
    childList: true,
    attributeFilter: ['disabled'],
  })
}

function placeOf(element: HTMLElement): Place {
  const around: HTMLElement[] = []
  for (let next = element.parentElement; next !== null; next = next.parentElement) around.push(next)
  return {
    element,
    name: element.closest<HTMLElement>('[data-focus]')?.dataset.focus,
    around,
    isByKeyboard: element.matches(':focus-visible'),
  }
}

function findAgain(): void {
  if (place === null || !isLost()) return
  if (isUsable(place.element)) place.element.focus()
  else if (document.querySelector('[data-loading]') === null) replacementOf(place)?.focus(scrollFor(place))
}

const scrollFor = ({ isByKeyboard }: Place): FocusOptions => ({ preventScroll: !isByKeyboard })

function isLost(): boolean {
  const active = document.activeElement
  return active === null || active === document.body || active.matches(':disabled')
}

function replacementOf({ element, name, around }: Place): HTMLElement | null {
  const named = [...document.querySelectorAll<HTMLElement>('[data-focus]')].find(
    (other) => other.dataset.focus === name && other.matches('button, input') && isUsable(other),
  )
  if (named !== undefined) return named
  // Disabled for now.
  if (element.isConnected) return null
  const part = around.find((outer) => outer.matches('[tabindex]:not(main)') && isUsable(outer))
  return part ?? modal() ?? heading() ?? document.querySelector('main')
}

/** A heading takes the focus only here. */
function heading(): HTMLElement | null {
  const found = document.querySelector<HTMLElement>('main h1')
  if (found !== null) found.tabIndex = -1
  return found
}

const modal = () => [...document.querySelectorAll('dialog')].findLast(({ open }) => open) ?? null

function isUsable(element: HTMLElement): boolean {
  return (
    element.isConnected &&
    !element.matches(':disabled') &&
    element.getClientRects().length > 0 &&
    (modal()?.contains(element) ?? true)
  )
}
