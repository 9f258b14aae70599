import { signal } from '@preact/signals'

/** Since when the server has not answered, or its store; null = it does. */
export const awaySince = signal<number | null>(null)

export function noteAnswer(isThere: boolean): void {
  if (isThere) awaySince.value = null
  else awaySince.value ??= Date.now()
}
