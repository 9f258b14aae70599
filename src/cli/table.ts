import stringWidth from 'string-width'
import { type Colour, paint, printable } from './terminal.ts'

/** A column of a table for people. */
export interface Column<Row> {
  readonly heading: string
  readonly read: (row: Row) => unknown
  readonly colour?: (row: Row) => Colour | undefined
  /** Left out on a narrow terminal; the highest first. Absent: never. */
  readonly leaveOut?: number
  /** May be cut on a narrow terminal: a little before others are left out, and after that as far as needed. */
  readonly cut?: true
}

const gap = 2
/** What a cut column keeps before others are left out for it, and after that. */
const firstCut = 20
const leastCut = 6

/**
 * Formats rows under a heading, measured in the cells of a terminal. Columns that do not fit are left out or
 * cut. Returns one text per line.
 *
 * @param width `Infinity` where there is no terminal.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  isColoured: boolean,
): { lines: string[]; leftOut: string[] } {
  let shown = columns.map((column) => {
    const cells = rows.map((row) => printable(column.read(row)))
    return { column, cells, cellWidth: widest([column.heading, ...cells]) }
  })
  const total = () => shown.reduce((sum, { cellWidth }) => sum + cellWidth + gap, -gap)
  const cutThem = (least: number) => {
    for (const one of shown) {
      const over = total() - width
      if (over > 0 && one.column.cut !== undefined)
        one.cellWidth = Math.min(one.cellWidth, Math.max(least, one.cellWidth - over))
    }
  }
  cutThem(firstCut)
  const leftOut: string[] = []
  while (total() > width) {
    const last = shown.reduce((most, { column }) => Math.max(most, column.leaveOut ?? 0), 0)
    if (last === 0) break
    leftOut.push(...shown.flatMap(({ column }) => (column.leaveOut === last ? [column.heading] : [])))
    shown = shown.filter(({ column }) => column.leaveOut !== last)
  }
  cutThem(leastCut)
  const line = (texts: readonly string[], colours: readonly (Colour | undefined)[]) =>
    texts
      .map((text, index) => {
        const { cellWidth } = shown[index] as (typeof shown)[number]
        const cell = cutTo(text, cellWidth)
        const padding = index === texts.length - 1 ? '' : ' '.repeat(cellWidth - stringWidth(cell) + gap)
        const colour = colours[index]
        return (isColoured && colour !== undefined ? paint(cell, colour) : cell) + padding
      })
      .join('')
      .trimEnd()
  const heading = shown.map(({ column }) => column.heading)
  return {
    leftOut,
    lines: [
      line(
        heading,
        heading.map(() => 'dim'),
      ),
      ...rows.map((row, index) =>
        line(
          shown.map(({ cells }) => cells[index] as string),
          shown.map(({ column }) => column.colour?.(row)),
        ),
      ),
    ],
  }
}

const graphemes = new Intl.Segmenter()

/** A text of at most `width` cells, with a sign that something is missing. */
function cutTo(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  let kept = ''
  for (const { segment } of graphemes.segment(text)) {
    if (stringWidth(kept + segment) > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

function widest(texts: readonly string[]): number {
  // Spreading would fail: a call takes only some ten thousand arguments.
  return texts.reduce((most, text) => Math.max(most, stringWidth(text)), 0)
}
