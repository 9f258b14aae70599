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
      : '200 `{ "success": true, "accepted": N }`, and `rejected` where events were dropped')
  const refusals =
    answers === 'ids' ? 'refusals as everybody, with their detail in `error` too' : refusalsOf(answers)
  const tried = requests.length === 0 ? '' : `; requests as the SDKs for ${requests.join(', ')} send them`
  return `## ${title}

| \`'${name}'\` | |
|---|---|
| tried with | ${packages.map((one) => `\`${one.replace(/ .*/, '')}\` ${one.replace(/.* /, '')}`).join(', ')}${tried} |
| sends | ${methods.join(', ')} ${paths.join(', ')} |
| key in | ${keyIn ?? places.join(', ')} |
| body | ${body}${form === undefined ? `; a batch is in ${batchFields.map((field) => `\`${field}\``).join(', ')}` : ''} |
| types and names | ${types} |
| is answered | ${answer}; ${refusals} |
| when refused | ${loses} |
`
}

function refusalsOf(answers: Sender['answers']): string {
  return typeof answers === 'object' && answers.refusal !== undefined
    ? 'refusals with the same status, in its own words'
    : 'refusals as everybody'
}

/** From runs: `test/long/refused-sdks.test.ts` repeats them. */
function refusalTable(): string {
  const rows = refusedSdks.map(({ name, set, sender, tries, keeps }) => {
    const does = refusals.map((status) => (tries[status] === undefined ? 'drops' : `${tries[status]} tries`))
    return `| ${[`${name}`, set, `\`'${sender}'\``, ...does, keeps].join(' | ')} |`
  })
  return `## What SDKs do when they are refused

From runs of the versions named, against these endpoints. \`URL\` is where the endpoints are mounted, \`KEY\` a write key. What is *dropped* is gone
after one try. So 429 and 503 are for what passes, and the rest is final: look for it in the page's debugger and in \`onEvent\`.

| SDK | on its side | \`senders\` | ${refusals.join(' | ')} | keeps its events |
|---|---|---|${refusals.map(() => '---|').join('')}---|
${rows.join('\n')}
`
}
