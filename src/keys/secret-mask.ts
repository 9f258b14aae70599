import { isWellFormedSecret, type PresentedSecret } from './secret.ts'
import { importedLength } from './secret-shape.ts'

/** Replaces secrets in a text. */
export type MaskSecrets = (text: string) => string

/** More than the longest secret takes, each of its characters percent-encoded twice. */
export const longestMasked = importedLength.most * 5 + 8

const shown = '(a write key)'
const shortestGenerated = 38

/**
 * For texts that people watch: hides secrets that have the shape of ours, and the one that the request has
 * presented, which may be imported and so have any shape. Finds it in any case, percent-encoded, within JSON,
 * and in base64, as in HTTP Basic. Its forms are made when the first text asks for them.
 * @param presented undefined or null: nothing was found where a key may be
 */
export function createSecretMask(presented: PresentedSecret | null | undefined): MaskSecrets {
  if (presented === null || presented === undefined || !mayBeSecret(presented)) return maskGenerated
  let maskPresented: MaskSecrets | undefined
  return (text) => {
    if (text.length < importedLength.least) return text
    maskPresented ??= createPresentedMask(
      typeof presented === 'string' ? presented : Buffer.from(presented).toString('latin1'),
    )
    return maskGenerated(maskPresented(text))
  }
}

function mayBeSecret({ length }: PresentedSecret): boolean {
  return length >= importedLength.least && length <= importedLength.most
}

function maskGenerated(text: string): string {
  if (text.length < shortestGenerated) return text
  return text.replace(/[A-Za-z0-9_-]{38,}/g, (part) => (isWellFormedSecret(part) ? shown : part))
}

function createPresentedMask(secret: string): MaskSecrets {
  const plain = [...new Set([secret, inJson(secret)].map((form) => form.toLowerCase()))]
  const cores = base64Cores(secret)
  let spellings: RegExp | undefined

  return (text) => {
    let masked = text
    const lower = text.toLowerCase()
    if (text.includes('%') || plain.some((form) => lower.includes(form))) {
      spellings ??= new RegExp(Array.from(secret, spellingsOf).join(''), 'gi')
      masked = masked.replace(spellings, shown)
    }
    for (const core of cores) if (lower.includes(core)) masked = masked.replace(aroundCore(core), shown)
    return masked
  }
}

function inJson(secret: string): string {
  return JSON.stringify(secret).slice(1, -1)
}

/** A character as it is, as JSON writes it, and percent-encoded once or more often. */
function spellingsOf(character: string): string {
  const percent = `%(?:25)*${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  const escaped = [...new Set([inJson(character), character])].map(literal).join('|')
  return `(?:${escaped}|${percent})`
}

function literal(text: string): string {
  return text.replace(/[^\w]/g, '\\$&')
}

/**
 * What base64 makes of the whole groups of three bytes of a secret, wherever in a group it begins: the same
 * whatever stands around it. In lower case, as in a header's name.
 */
function base64Cores(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'latin1')
  const cores = [0, 1, 2].flatMap((start) => {
    const groups = bytes.subarray(start, bytes.length - ((bytes.length - start) % 3))
    return [groups.toString('base64'), groups.toString('base64url')]
  })
  return [...new Set(cores.map((core) => core.toLowerCase()))]
}

/** With the groups before and behind, which hold the rest of the secret. */
function aroundCore(core: string): RegExp {
  return new RegExp(`[\\w+/-]{0,4}${literal(core)}[\\w+/-]{0,4}={0,2}`, 'gi')
}
