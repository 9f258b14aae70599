import {
  type KyselyPlugin,
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

/** Sends text so that no session setting of MySQL changes it. */
export const mysqlText: KyselyPlugin = {
  transformQuery: ({ node }) => hexText.transformNode(node) as RootOperationNode,
  transformResult: async ({ result }) => result,
}
