import type { z } from 'zod'
import type { usageOverviewSchema } from '../admin/routes/usage.ts'
import { isJson, note, print, printCsv, printJson, printTable } from './command-output.ts'
import type { CommandRun } from './command-run.ts'
import { seconds } from './moments.ts'
import type { Column } from './table.ts'

type Overview = z.output<typeof usageOverviewSchema>
type Group = Overview['data'][number]

/** What all keys accepted and refused, one line for each source type, workspace or key. */
export async function showOverview(run: CommandRun): Promise<void> {
  const { window, zone, 'group-by': by = 'source_type' } = run.values
  const overview = await run.client.read<Overview>('/usage', { window, zone, group_by: by })
  if (isJson(run)) return printJson(run, overview)
  const { from, to, total, data } = overview
  const csv: Readonly<Record<string, (group: Group) => unknown>> = {
    [String(by)]: ({ group }) => group,
    ...(by === 'key' && { name: ({ key }) => key?.name }),
    accepted: ({ accepted }) => accepted,
    refused: ({ refused }) => refused,
    success_rate: ({ success_rate: rate }) => rate,
    most_refused_for: ({ reasons }) => mostOf(reasons),
  }
  if (run.values.csv === true) {
    printCsv(run, Object.keys(csv))
    for (const group of data)
      printCsv(
        run,
        Object.values(csv).map((read) => read(group)),
      )
    return
  }
  print(run, `From ${seconds(from)} to ${seconds(to)}`)
  print(run, `All keys: ${total.accepted} events accepted, ${total.refused} requests refused`)
  if (data.length === 0) note(run, 'There was no event and no refusal.')
  else printTable(run, columnsOf(String(by)), data)
}

function columnsOf(by: string): readonly Column<Group>[] {
  return [
    { heading: by.replace('_', ' ').toUpperCase(), read: ({ group }) => group ?? '-' },
    ...(by === 'key'
      ? [{ heading: 'NAME', read: ({ key }: Group) => key?.name ?? '-', cut: true } as const]
      : []),
    { heading: 'ACCEPTED', read: ({ accepted }) => accepted },
    {
      heading: 'REFUSED',
      read: ({ refused }) => refused,
      colour: ({ refused }) => (refused > 0 ? 'bad' : undefined),
    },
    { heading: 'REFUSED SHARE', read: ({ success_rate: rate }) => (rate === null ? '-' : shareOf(1 - rate)) },
    { heading: 'MOSTLY FOR', read: ({ reasons }) => mostOf(reasons) ?? '-', leaveOut: 1 },
  ]
}

function shareOf(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function mostOf(reasons: Group['reasons']): string | undefined {
  return Object.entries(reasons).sort(([, one], [, other]) => other - one)[0]?.[0]
}
