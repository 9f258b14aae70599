import { effect, signal } from '@preact/signals'
import { callerMark } from '../../src/admin/caller-mark.ts'
import { type Api, ApiError, createApi, redeemCode } from './api/client.ts'
import type { Session } from './api/wire.ts'
import { flash } from './flash.ts'
import { holds } from './guard.ts'

/** Who is signed in; null = nobody. `byToken`: not by the application's own session, which is not the page's to end. */
export const session = signal<(Session & { api: Api; byToken: boolean }) | null>(null)
/** Why the sign-in form is shown again. */
export const signInNotice = signal('')
/** False until a token left in this tab has been tried. */
export const isSessionKnown = signal(false)

// Session storage ends with the tab and is not sent anywhere: a reload keeps people signed in, closing does not.
const storageKey = 'writekey.token'

/** Null where a browser gives pages in a frame no storage: then a reload signs out. */
const storage = (() => {
  try {
    return sessionStorage
  } catch {
    return null
  }
})()

const storedToken = () => storage?.getItem(storageKey) ?? null

/** Why the session is over; null = it is not, as far as the last answer tells. */
const ended = signal<string | null>(null)

/** @param token null: by the application's own session. @throws ApiError when the server does not take it. */
export async function signIn(token: string | null): Promise<void> {
  const isCurrent = () => session.peek()?.api === api
  let mark: string | undefined
  const api = createApi(token, {
    caller: () => mark,
    onAccepted() {
      if (isCurrent()) ended.value = null
    },
    onRefused(status, text) {
      const notice = status === 412 ? text : token === null ? noLongerSignedIn : tokenRefused
      if (!isCurrent()) return notice
      // Somebody else must see nothing of the first person, whatever is open.
      if (status === 412) signOut(notice)
      else ended.value = notice
      return notice
    },
  })
  const who = await api.session()
  mark = callerMark(who)
  if (token !== null) storage?.setItem(storageKey, token)
  signInNotice.value = ''
  ended.value = null
  session.value = { ...who, api, byToken: token !== null }
}

const noLongerSignedIn =
  'You are no longer signed in to the application. Sign in there again, in another tab, and try again here.'
const tokenRefused = 'The server does not accept this management token.'

/**
 * A session that is over leaves the page only when no dialog is open, or anything else that people have not dealt
 * with: a form keeps what was typed, and a new secret stays. People may sign in again in another tab meanwhile.
 */
effect(() => {
  if (ended.value === null || holds.value > 0) return
  // One dialog may be making room for the next.
  queueMicrotask(() => {
    if (ended.peek() !== null && holds.peek() === 0 && session.peek() !== null) signOut(ended.peek() ?? '')
  })
})

export function signOut(notice = ''): void {
  ended.value = null
  storage?.removeItem(storageKey)
  signInNotice.value = notice
  flash.value = null
  session.value = null
}

// Somebody may have signed in to the application in another tab: what is shown may not be theirs to see.
document.addEventListener('visibilitychange', () => {
  const current = session.peek()
  if (!document.hidden && current !== null && !current.byToken) void current.api.session().catch(() => {})
})

/** Whether the application may know the visitor from its own session. */
export const asksApplication = document.querySelector('meta[name="writekey-session"]') !== null

/** The code of a link that signs in once. It is removed from the address and the history at once. */
function takeCode(): string | null {
  const code = /^#code=([\w-]{1,100})$/.exec(location.hash)?.[1]
  if (code === undefined) return null
  history.replaceState(null, '', location.pathname)
  return code
}

/** Signs in by the link, or by the token of this tab after a reload. */
export async function resumeSession(): Promise<void> {
  const code = takeCode()
  try {
    const token = (code === null ? null : await redeemCode(code)) ?? storedToken()
    if (code !== null && token === null)
      signInNotice.value =
        'The link has been used, or is older than ten minutes. Start the server again for a new one, or use a token.'
    if (token !== null) await signIn(token)
    else if (asksApplication) await signIn(null)
  } catch (error) {
    const isUnknown = error instanceof ApiError && error.status === 401
    const hadToken = storedToken() !== null
    if (isUnknown) storage?.removeItem(storageKey)
    // Nobody has tried to sign in.
    if (!isUnknown || hadToken) signInNotice.value = error instanceof Error ? error.message : ''
  }
  isSessionKnown.value = true
}

/** The API of the signed-in person; views exist only while there is one. */
export function useApi(): Api {
  const current = session.value
  if (current === null) throw new Error('Nobody is signed in.')
  return current.api
}

/** A user of one workspace sees only its keys, and cannot choose a workspace or a plan. */
export function isOfOneWorkspace(): boolean {
  return session.value !== null && session.value.workspace !== null
}

export function canWrite(): boolean {
  return session.value?.role === 'admin'
}
