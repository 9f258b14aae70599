import { isWellFormedSecret } from '../keys/secret.ts'
import { bearerPlace, headerPlace, type PresentedPlace, placeBefore } from './presented-place.ts'

/** A secret as somebody pasted it. */
export interface PresentedSecret {
  secret: string
  /** What it was found in, for people; undefined: alone. */
  foundIn?: string
  /** What would keep a sender from being accepted that presents it so. */
  mistake?: string
  /** Where it was found, if that is read only when it is set. */
  place?: PresentedPlace
  /** Whether it is known that nothing is read there. */
  isUnread?: boolean
}

/**
 * Finds the secret in what people paste: the secret itself, `key:`, a header with its name or without, or a
 * line that holds a secret of ours.
 */
export function readPresentedSecret(pasted: string): PresentedSecret {
  const text = unquote(pasted.trim())
  const [, scheme, credentials] = /^(?:authorization\s*:\s*)?(basic|bearer)\s+(\S+)$/i.exec(text) ?? []
  if (scheme?.toLowerCase() === 'bearer') return at(bearerPlace(), credentials as string)
  if (scheme !== undefined) return readBasic(credentials as string)
  const [, header, value] = /^(x-[a-z0-9-]{1,60})\s*:\s*(\S+)$/i.exec(text) ?? []
  if (header !== undefined) return at(headerPlace(header), value as string)
  if (/^\S+:$/.test(text)) return { secret: text.slice(0, -1), foundIn: 'a user name with its colon' }
  if (!/\s|[/=:"'{]/.test(text)) return { secret: text }
  const ours = findOurs(text)
  if (ours === undefined) return { secret: text }
  const place = placeBefore(text.slice(0, text.indexOf(ours)))
  return place === undefined ? { secret: ours, foundIn: 'a longer text' } : at(place, ours)
}

function at(place: PresentedPlace, secret: string): PresentedSecret {
  return { secret, foundIn: place.foundIn, place }
}

function readBasic(credentials: string): PresentedSecret {
  const foundIn = 'a Basic header'
  const decoded = /^[A-Za-z0-9+/_-]+={0,2}$/.test(credentials)
    ? Buffer.from(credentials, 'base64').toString('utf8')
    : ''
  // Many a sender forgets to encode.
  if (isWellFormedSecret(credentials.replace(/:$/, '')))
    return {
      secret: credentials.replace(/:$/, ''),
      foundIn,
      mistake: 'The secret itself follows "Basic". Send the base64 of the secret with a colon at its end.',
    }
  const colon = decoded.indexOf(':')
  const user = colon < 0 ? decoded : decoded.slice(0, colon)
  const password = colon < 0 ? '' : decoded.slice(colon + 1)
  if (user === '' && password !== '')
    return {
      secret: password,
      foundIn,
      mistake: 'The secret is sent as the password. Send it as the user name, before the colon.',
    }
  if (colon < 0 && isWellFormedSecret(decoded.trim()))
    return {
      secret: decoded.trim(),
      foundIn,
      mistake: 'The colon after the secret is missing. Encode the secret with a colon at its end.',
    }
  return { secret: user, foundIn }
}

function findOurs(text: string): string | undefined {
  return text.split(/[^A-Za-z0-9_-]+/).find(isWellFormedSecret)
}

function unquote(text: string): string {
  return /^(["'])(.*)\1,?$/s.exec(text)?.[2]?.trim() ?? text
}
