import { type Sender, senders } from '../../src/ingest/senders.ts'
import { refusals, refusedSdks } from '../senders/refused-sdks.ts'

/** docs/senders.md from its first heading of a sender on, made from the table that the endpoints are made from. */
export function sendersPage(): string {
  return `${Object.values(senders).map(section).join('\n')}\n${refusalTable()}`
}

function section({
  title,
  name,
  packages,
  requests = [],
  methods,
  routes,
  credentials,
  keyIn,
  prefix,
  body,
  batchFields,
  form,
  types,
  answers,
  loses,
}: Sender): string {
  const paths = routes.map(({ path, eventType }) =>
    eventType === 'batch' ? `\`${path}\`` : `\`${path}\` (${eventType})`,
  )
  const places = credentials.map(
    (place) => `\`${typeof place === 'string' ? place : JSON.stringify(place)}\``,
  )
  const own = typeof answers === 'object' ? `200 ${answers.words}` : undefined
  const answer =
    own ??
    (answers === 'ids'
      ? '200 `{ "ids": […], "status": 200 }`'
      : '200 `{ "success": true, "accepted": N }`, and `rejected` if events were dropped')
  const refusals =
    answers === 'ids' ? 'the usual refusals, with their `detail` in `error` too' : refusalsOf(answers)
  const tried =
    requests.length === 0 ? '' : `; requests built like those of the SDKs for ${requests.join(', ')}`
  return `## ${title}

| \`'${name}'\` | |
|---|---|
| tried with | ${packages.map((one) => `\`${one.replace(/ .*/, '')}\` ${one.replace(/.* /, '')}`).join(', ')}${tried} |
| sends | ${methods.join(', ')} ${paths.join(', ')} |
| key in | ${keyIn ?? places.join(', ')} |
| below \`/ingest\` | ${prefix} |
| body | ${body}${form === undefined ? `; a batch is in ${batchFields.map((field) => `\`${field}\``).join(', ')}` : ''} |
| types and names | ${types} |
| is answered | ${answer}; ${refusals} |
| when refused | ${loses} |
`
}

function refusalsOf(answers: Sender['answers']): string {
  return typeof answers === 'object' && answers.refusal !== undefined
    ? 'refusals with the same status, in the form that the SDK expects'
    : 'the usual refusals'
}

/** From runs: `test/long/refused-sdks.test.ts` repeats them. */
function refusalTable(): string {
  const rows = refusedSdks.map(({ name, set, sender, tries, keeps }) => {
    const does = refusals.map((status) => (tries[status] === undefined ? 'drops' : `${tries[status]} tries`))
    return `| ${[`${name}`, set, `\`'${sender}'\``, ...does, keeps].join(' | ')} |`
  })
  return `## What SDKs do when they are refused

Measured with the versions named, against these endpoints (\`npm run test:long -- refused-sdks\`). \`URL\` is the server, with the endpoints
mounted at its root, \`KEY\` a write key. *Drops* means that the events are lost after one try. So 429 and 503 are for problems that pass. Look for all other
refusals in the page's debugger and in \`onEvent\`.

| SDK | its settings | \`senders\` | ${refusals.join(' | ')} | keeps its events |
|---|---|---|${refusals.map(() => '---|').join('')}---|
${rows.join('\n')}
`
}
