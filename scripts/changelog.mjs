/** The text below `## heading`, up to the next heading of its kind; undefined when there is no such heading. */
export function sectionOf(changelog, heading) {
  const lines = changelog.split('\n')
  const start = lines.findIndex((line) => isHeading(line, heading))
  if (start === -1) return undefined
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith('## '))
  const body = length === -1 ? lines.slice(start + 1) : lines.slice(start + 1, start + 1 + length)
  return body.join('\n').trim()
}

/**
 * What the section of a version will say: what was written for it by hand, and behind that what is under "Unreleased".
 * Undefined when there is nothing.
 */
export function notesOf(changelog, version) {
  const parts = [sectionOf(changelog, version), sectionOf(changelog, 'Unreleased')].filter(Boolean)
  return parts.length === 0 ? undefined : parts.join('\n\n')
}

/** The changelog once the version is released: an empty "Unreleased", and the version's section with its date. */
export function withRelease(changelog, version, date) {
  const notes = notesOf(changelog, version)
  const [before, ...sections] = changelog.split(/^(?=## )/m)
  const earlier = sections.filter((section) => {
    const [heading] = section.split('\n')
    return !isHeading(heading, 'Unreleased') && !isHeading(heading, version)
  })
  return [
    before,
    '## Unreleased\n\n',
    `## ${version} (${date})\n\n${notes}\n`,
    ...withBlankLine(earlier),
  ].join('')
}

function withBlankLine(sections) {
  return sections.length === 0 ? [] : ['\n', ...sections]
}

function isHeading(line, heading) {
  return line === `## ${heading}` || line.startsWith(`## ${heading} `)
}
