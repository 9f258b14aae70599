import { dirname, join } from 'node:path'
import ts from 'typescript'

/**
 * What copies of the package in one process share, as the sources declare it: each value that is made with `sharedByCopies` or
 * stands under a symbol with `sharedLayout` in its name, and every declaration that it names, and so on.
 *
 * @param files the sources
 * @param read the text of one
 * @param inside of declarations that are mostly looked at by the copy which has made them: the members that others look at
 * @returns lines
 */
export function describeShared(
  files: readonly string[],
  read: (file: string) => string,
  inside: Readonly<Record<string, readonly string[]>>,
): string[] {
  const sources = new Map<string, ts.SourceFile>()
  const shapes: Record<string, string[]> = {}

  function open(file: string): ts.SourceFile {
    let source = sources.get(file)
    if (source === undefined) {
      source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)
      sources.set(file, source)
    }
    return source
  }

  /** The declarations that a node names, wherever they stand in the package. */
  function followAll(node: ts.Node): void {
    if (ts.isIdentifier(node)) follow(node.text, node.getSourceFile())
    ts.forEachChild(node, (child) => {
      if (!ts.isBlock(child)) followAll(child)
    })
  }

  function follow(name: string, source: ts.SourceFile): void {
    if (name in shapes) return
    for (const statement of source.statements) {
      if (ts.isImportDeclaration(statement)) {
        const from = (statement.moduleSpecifier as ts.StringLiteral).text
        const named = statement.importClause?.namedBindings
        const isOurs = from.startsWith('.') && named !== undefined && ts.isNamedImports(named)
        if (isOurs && named.elements.some((element) => element.name.text === name))
          follow(name, open(join(dirname(source.fileName), from)))
      } else if (isShape(statement) && statement.name?.text === name) {
        const { members, heritageClauses = [] } = statement as ts.InterfaceDeclaration
        const all = ts.isTypeAliasDeclaration(statement) ? [statement.type] : [...heritageClauses, ...members]
        const parts = all.filter((part) => inside[name]?.includes(nameOf(part)) ?? true)
        shapes[name] = parts.map(textOf)
        for (const part of parts) followAll(part)
      }
    }
  }

  for (const source of files
    .filter((file) => /\b(?:sharedLayout|sharedByCopies)\b/.test(read(file)))
    .map(open)) {
    for (const statement of source.statements) {
      const [made] = ts.isVariableStatement(statement) ? statement.declarationList.declarations : []
      const text = made?.initializer === undefined ? '' : textOf(made.initializer)
      if (made === undefined || !/sharedByCopies\(|sharedLayout/.test(text)) continue
      const uses = typesUnder(made.name.getText(), source)
      shapes[`= ${text}`] = uses.map(textOf)
      for (const part of [made, ...uses]) followAll(part)
    }
  }
  return Object.entries(shapes)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, parts]) => [name, ...parts.map((part) => `  ${part}`)])
}

function nameOf(part: ts.Node): string {
  return (part as ts.PropertySignature).name?.getText() ?? ''
}

function isShape(
  node: ts.Node,
): node is ts.InterfaceDeclaration | ts.ClassDeclaration | ts.TypeAliasDeclaration {
  return ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node) || ts.isTypeAliasDeclaration(node)
}

/** What stands under a symbol: the members of types that it names, and what is injected by it. */
function typesUnder(symbol: string, source: ts.SourceFile): ts.Node[] {
  const found: ts.Node[] = []
  const look = (node: ts.Node): void => {
    const isNamed = ts.isPropertySignature(node) && ts.isComputedPropertyName(node.name)
    if (isNamed && node.name.getText() === `[${symbol}]`) found.push(node)
    if (ts.isParameter(node) && node.modifiers?.some((one) => one.getText() === `@Inject(${symbol})`))
      found.push(node)
    ts.forEachChild(node, look)
  }
  look(source)
  return found
}

const printer = ts.createPrinter({ removeComments: true })

/** Without comments, line ends and the bodies of functions. */
function textOf(node: ts.Node): string {
  const source = node.getSourceFile()
  const body = (node as ts.MethodDeclaration).body
  const text =
    body === undefined
      ? printer.printNode(ts.EmitHint.Unspecified, node, source)
      : source.text.slice(node.getStart(), body.getStart())
  return text.replace(/\s+/g, ' ').trim()
}
