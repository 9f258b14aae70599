import {
  type KyselyPlugin,
  OperationNodeTransformer,
  RawNode,
  type RootOperationNode,
  type ValueNode,
} from 'kysely'

/** Printable ASCII that no `sql_mode` takes for anything but itself between quotes. */
const plainPattern = /^[ !#-&(-[\]-~]*$/

/**
 * mysql2 writes values into the statement, in the character set of the connection and with backslashes before
 * quotes. With `sql_mode=NO_BACKSLASH_ESCAPES` a backslash is a character like others, and latin1 has no
 * letters for most names; so text that could be harmed is written as the hex digits of its UTF-8.
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

/** Sends text so that no setting of a session in MySQL changes it. */
export const mysqlText: KyselyPlugin = {
  transformQuery: ({ node }) => hexText.transformNode(node) as RootOperationNode,
  transformResult: async ({ result }) => result,
}
