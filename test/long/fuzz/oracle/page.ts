import { BlockList, isIP } from 'node:net'
import type { House, KnownKey } from './expectation.ts'
import type { Message } from './message.ts'

type Passes = boolean

/** Where the request comes from: `undefined` = cannot be told. In all readings that are left open. */
export function readAddress(message: Message, { trustedProxies }: House): readonly (string | undefined)[] {
  const socket = '127.0.0.1'
  if (trustedProxies === undefined) return [socket]
  const all = message.fields
    .filter(([name]) => name === 'x-forwarded-for')
    .flatMap(([, value]) => value.split(','))
    .map((entry) => entry.trim())
  // Nothing between commas: whether that is an entry is not said.
  const kept = all.filter((entry) => entry !== '')
  const readings = kept.length === all.length ? [all] : [all, kept]
  return [...new Set(readings.flatMap((entries) => addressOf(entries, socket, trustedProxies)))]
}

function addressOf(
  entries: readonly string[],
  socket: string,
  trustedProxies: 1 | readonly string[],
): readonly (string | undefined)[] {
  const isPlain = entries.every((entry) => isIP(entry) !== 0 || /^[a-z]*$/.test(entry))
  // With ports, brackets, quotes or nothing between commas: not said.
  const open = isPlain && !entries.includes('') ? [] : [...entries, undefined]
  const told = (entry: string | undefined) => (isIP(entry ?? '') === 0 ? undefined : entry)
  const bare = (entry: string | undefined) => told(/^"?\[?([\da-f.:]+?)\]?(:\d+)?"?$/i.exec(entry ?? '')?.[1])
  if (trustedProxies === 1) return [...new Set([told(entries.at(-1)), ...open.map(told), ...open.map(bare)])]
  const trusted = toBlockList(trustedProxies)
  const hops = [socket, ...entries.toReversed()]
  const client = hops.find((hop) => isIP(hop) === 0 || !isListed(hop, trusted))
  // All trusted: the left-most of them, or none, is not said.
  if (client === undefined) return [...new Set([hops.at(-1), undefined])]
  return [...new Set([told(client), ...open.map(told), ...open.map(bare)])]
}

export function passesAddressRules(address: string | undefined, key: KnownKey): Passes {
  const { allowedIps: allowed, deniedIps: denied } = key
  if (allowed === undefined && denied === undefined) return true
  if (address === undefined) return false
  if (denied !== undefined && isListed(address, toBlockList(denied))) return false
  return allowed === undefined || isListed(address, toBlockList(allowed))
}

const unfold = (address: string) => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address

function isListed(address: string, list: BlockList): boolean {
  const plain = unfold(address)
  return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
}

function toBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [text = '', bits] = range.split('/')
    const address = unfold(text)
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

export interface Page {
  readonly isBrowser: boolean
  /** undefined when it cannot be told. */
  readonly origin: string | undefined
}

/** The page that sent it, in all readings that are left open. */
export function readPage(message: Message): readonly Page[] {
  const all = (name: string) => message.fields.filter((field) => field[0] === name).map(([, value]) => value)
  const origins = all('origin')
  if (origins.length > 0) return [{ isBrowser: true, origin: origins.join(', ') }]
  const sites = all('sec-fetch-site')
  const server: Page = { isBrowser: false, origin: undefined }
  if (sites.length === 0 || (sites.length === 1 && sites[0] === 'none')) return [server]
  const referers = all('referer')
  const page: Page = { isBrowser: true, origin: originOf(referers[0]) }
  if (referers.length > 1) return referers.map((referer) => ({ isBrowser: true, origin: originOf(referer) }))
  // `None`, nothing, or several lines: not said.
  const isOpen = sites.length > 1 || sites[0] === '' || sites[0]?.toLowerCase() === 'none'
  const isOdd = page.origin !== undefined && !(referers[0] as string).startsWith(page.origin)
  const unclear: Page = { isBrowser: true, origin: undefined }
  return [page, ...(isOdd ? [unclear] : []), ...(isOpen ? [server] : [])]
}

function originOf(referer: string | undefined): string | undefined {
  if (referer === undefined || !URL.canParse(referer)) return undefined
  const { origin, protocol, host } = new URL(referer)
  return origin === 'null' ? (host === '' ? undefined : `${protocol}//${host}`) : origin
}

export function passesOriginRules({ isBrowser, origin }: Page, key: KnownKey, house: House): Passes {
  if (!isBrowser) return true
  if (key.isServer && house.serverKeysInBrowsers === 'deny') return false
  if (key.allowedOrigins === undefined) return true
  return origin !== undefined && key.allowedOrigins.some((rule) => matchesOrigin(origin, rule))
}

function matchesOrigin(origin: string, rule: string): boolean {
  // The port that is left out is one, too.
  if (rule === 'http://localhost:*' && origin === 'http://localhost') return true
  if (rule.includes('*')) {
    const [before = '', behind = ''] = rule.split('*')
    const middle = origin.slice(before.length, origin.length - behind.length)
    const isAround = origin.startsWith(before) && origin.endsWith(behind)
    if (!isAround || origin.length < rule.length) return false
    if (behind !== '') return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(middle)
    return /^[1-9]\d{0,4}$/.test(middle) && Number(middle) < 65_536 && middle !== '80'
  }
  return origin === rule
}
