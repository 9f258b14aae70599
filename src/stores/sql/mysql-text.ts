import {
  type KyselyPlugin,
  type OperationNode,
  OperationNodeTransformer,
  RawNode,
  type RootOperationNode,
  type ValueNode,
} from 'kysely'

/** Printable ASCII that every `sql_mode` takes literally between quotes. */
const plainPattern = /^[ !#-&(-[\]-~]*$/

/**
 * mysql2 writes values into the statement, in the connection's character set and with backslashes before
 * quotes. Under `sql_mode=NO_BACKSLASH_ESCAPES` a backslash is an ordinary character, and latin1 lacks most
 * letters. So text that could be altered is written as the hex digits of its UTF-8.
 */
class HexText extends OperationNodeTransformer {
  protected override transformValue(node: ValueNode): ValueNode {
    const { value } = node
    if (typeof value !== 'string' || plainPattern.test(value)) return node
    const hex = Buffer.from(value, 'utf8').toString('hex')
    return RawNode.createWithSql(`_utf8mb4 x'${hex}'`) as unknown as ValueNode
  }
}

const hexText = new HexText()

/** A text and the values within it, none of which is a text of its own. */
interface Flat {
  texts: string[]
  values: OperationNode[]
}

function flatten({ sqlFragments, parameters }: RawNode, flat: Flat = { texts: [''], values: [] }): Flat {
  const append = (text: string) => flat.texts.push(`${flat.texts.pop()}${text}`)
  for (const [index, text] of sqlFragments.entries()) {
    append(text)
    const value = parameters[index]
    if (value === undefined) continue
    if (RawNode.is(value)) flatten(value, flat)
    else {
      flat.values.push(value)
      flat.texts.push('')
    }
  }
  return flat
}

/** The largest number that MySQL takes. */
const everyRow = 'limit 18446744073709551615'
const ending = /(\s+for update)?\s*$/

/** A session with `sql_select_limit` cuts short each SELECT that has no limit of its own, and says nothing. */
function askForEveryRow(node: RawNode): RawNode {
  const { texts, values } = flatten(node)
  if (!/^\s*(select|with)\b/.test(texts[0] as string) || hasLimit(texts.join('?'))) return node
  const last = (texts.pop() as string).replace(ending, (_, locking = '') => ` ${everyRow}${locking}`)
  return RawNode.create([...texts, last], values)
}

/** Whether the statement itself has one; those of its parts are within parentheses. */
function hasLimit(text: string): boolean {
  let rest = text
  for (let outer = ''; outer !== rest; ) {
    outer = rest
    rest = outer.replace(/\([^()]*\)/g, '')
  }
  return /\blimit\b/.test(rest)
}

/** Sends text so that no session setting of MySQL changes it, and asks for all rows of what is read. */
export const mysqlText: KyselyPlugin = {
  transformQuery({ node }) {
    const whole = RawNode.is(node) ? askForEveryRow(node) : node
    return hexText.transformNode(whole) as RootOperationNode
  },
  transformResult: async ({ result }) => result,
}
