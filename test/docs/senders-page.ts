import { defaultSenders, type Sender, senders } from '../../src/ingest/senders.ts'

/** docs/senders.md from its first heading of a sender on, made from the table that the endpoints are made from. */
export function sendersPage(): string {
  return defaultSenders.map((name) => section(senders[name])).join('\n')
}

function section({
  title,
  name,
  packages,
  requests = [],
  methods,
  routes,
  credentials,
  body,
  batchFields,
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
  const answer =
    answers === 'ids'
      ? '200 `{ "ids": […], "status": 200 }`'
      : '200 `{ "success": true, "accepted": N }`, and `rejected` where events were dropped'
  const tried = requests.length === 0 ? '' : `; requests as the SDKs for ${requests.join(', ')} send them`
  return `## ${title}

| \`'${name}'\` | |
|---|---|
| tried with | ${packages.map((one) => `\`${one.replace(/ .*/, '')}\` ${one.replace(/.* /, '')}`).join(', ')}${tried} |
| sends | ${methods.join(', ')} ${paths.join(', ')} |
| key in | ${places.join(', ')} |
| body | ${body}; a batch is in ${batchFields.map((field) => `\`${field}\``).join(', ')} |
| types and names | ${types} |
| is answered | ${answer}; refusals as everybody${answers === 'ids' ? ', with their detail in `error` too' : ''} |
| when refused | ${loses} |
`
}
