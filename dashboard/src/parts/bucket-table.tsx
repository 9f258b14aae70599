import type { Counts } from '../api/wire.ts'
import { formatCount } from '../words/format.ts'
import { type ChartBucket, entries, sum } from './chart-bucket.ts'

interface BucketTableProps {
  buckets: ChartBucket[]
  nameOf: (reason: string) => string
}

export function BucketTable({ buckets, nameOf }: BucketTableProps) {
  const list = (counts: Counts, name: (one: string) => string) =>
    entries(counts)
      .map(([one, count]) => `${name(one)} ${formatCount(count)}`)
      .join(', ')
  return (
    <table class="buckets">
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col" class="number">
            Accepted
          </th>
          <th scope="col">By type</th>
          <th scope="col" class="number">
            Refused
          </th>
          <th scope="col">By reason</th>
        </tr>
      </thead>
      <tbody>
        {[...buckets].reverse().map((bucket) => (
          <tr key={bucket.title}>
            <th scope="row">{bucket.title}</th>
            <td class="number">{formatCount(sum(bucket.accepted))}</td>
            <td>
              <bdi>{list(bucket.accepted, (name) => name)}</bdi>
            </td>
            <td class="number">{formatCount(sum(bucket.refused))}</td>
            <td>{list(bucket.refused, nameOf)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
