import { randomBase62 } from '../runtime/base62.ts'

/** The prefix of each kind of id. */
const idPrefixes = { key: 'wk_', secret: 'sec_', audit: 'aud_' } as const

type IdKind = keyof typeof idPrefixes

/** A new random id: `wk_`, `sec_` or `aud_` and 16 base62 characters. */
export function newId(kind: IdKind): string {
  return toId(kind, randomBase62(16))
}

/** The id of that kind with these characters after its prefix. */
export function toId(kind: IdKind, rest: string): string {
  return idPrefixes[kind] + rest
}

/** The part of an id after its prefix. */
export function restOfId(kind: IdKind, id: string): string {
  return id.slice(idPrefixes[kind].length)
}

/** An id that a key may have, also one made by an application's own store. */
export const keyIdPattern = /^wk_[0-9A-Za-z]{1,64}$/
/** An id as `newId` makes it. */
export const newKeyIdPattern = /^wk_[0-9A-Za-z]{16}$/
/** The pattern for ids of keys in the description of the management API. */
export const describedKeyIdPattern = /^wk_[0-9A-Za-z]+$/

/** Names of environments; `environmentCharacters` says the same in messages. */
export const environmentPattern = /^[A-Za-z0-9._-]{1,64}$/
export const environmentCharacters = '1 to 64 characters of A-Z a-z 0-9 . _ -'

/** Names of workspaces: an id, a slug or an address by which an application knows its customer. */
export const workspacePattern = /^[A-Za-z0-9._:@-]{1,100}$/
export const workspaceCharacters = '1 to 100 characters of A-Z a-z 0-9 . _ : @ -'

/** Names of plans. */
export const planPattern = /^[A-Za-z0-9._-]{1,64}$/
export const planCharacters = '1 to 64 characters of A-Z a-z 0-9 . _ -'

/**
 * Prefixes that `keyPrefix` may have: they survive a double click, a URL and a Basic credential unchanged.
 */
export const keyPrefixPattern = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/

/** A token of the management API, in the characters of RFC 6750, section 2.1. */
export const adminTokenPattern = /^[A-Za-z0-9._~+/=-]{32,512}$/
/** The Authorization header that presents a token. */
export const bearerPattern = /^Bearer +([A-Za-z0-9._~+/=-]{1,512}) *$/i
