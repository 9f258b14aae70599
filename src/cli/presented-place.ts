/** A place where a secret was found, and which is read only when it is set. */
export interface PresentedPlace {
  /** As in "found in a Bearer header". */
  foundIn: string
  /** Its spelling in the option `credentials`. */
  credentials: string
  /** Whether some published SDKs put their key here, so that the paths of those read it. */
  isOfSdks: boolean
}

const bearer: PresentedPlace = { foundIn: 'a Bearer header', credentials: "'bearer'", isOfSdks: false }

export function bearerPlace(): PresentedPlace {
  return bearer
}

export function headerPlace(name: string): PresentedPlace {
  const isOurs = name.toLowerCase() === 'x-write-key'
  const spelled = name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
  return {
    foundIn: `${/^[aeiox]/i.test(spelled) ? 'an' : 'a'} ${spelled} header`,
    credentials: isOurs ? "'header'" : `{ header: '${spelled}' }`,
    isOfSdks: false,
  }
}

/** The place that the text before a secret ends with. */
export function placeBefore(text: string): PresentedPlace | undefined {
  if (/\bbearer\s+$/i.test(text)) return bearer
  const header =
    /(?:^|[\s"'{,])(x-[a-z0-9-]{1,60})["']?\s*:\s*["']?$/i.exec(text) ??
    /(?:-H|--header)[\s=]*["']?([a-z][a-z0-9-]{0,60})\s*:\s*$/i.exec(text)
  if (header !== null) return headerPlace(header[1] as string)
  const query = /[?&]([\w-]{1,60})=$/.exec(text)?.[1]
  if (query !== undefined) return fieldPlace('query', query)
  const body = /["']([\w-]{1,60})["']\s*:\s*["']$/.exec(text)?.[1]
  return body === undefined ? undefined : fieldPlace('body', body)
}

function fieldPlace(kind: 'query' | 'body', name: string): PresentedPlace {
  const isOurs = name === 'writeKey' || (kind === 'query' && name === 'writekey')
  return {
    foundIn: kind === 'query' ? 'the query of a URL' : 'a body',
    credentials: isOurs ? `'${kind}'` : `{ ${kind}: '${name}' }`,
    isOfSdks: true,
  }
}
