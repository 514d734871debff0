// Takes out of a set of declaration files what nobody reaches any more from what the entries export.
import path from 'node:path'
import ts from 'typescript'
import { splice } from './option-interfaces.mjs'

/** @param files path -> text; @param isEntry whether users import that file @returns path -> text */
export function prune(files, isEntry) {
  let before
  let now = new Map(files)
  do {
    before = now
    now = once(before, isEntry)
  } while ([...now].some(([file, text]) => text !== before.get(file)))
  return now
}

function once(files, isEntry) {
  const parsed = new Map([...files].map(([file, text]) => [file, ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)]))
  /** What others import from a file. */
  const asked = new Map([...files.keys()].map(file => [file, new Set()]))
  const request = (file, module, specifiers) => {
    const from = asked.get(path.posix.join(path.posix.dirname(file), module.replace(/\.js$/, '.d.ts')))
    for (const specifier of specifiers) from?.add((specifier.propertyName ?? specifier.name).text)
  }
  for (const [file, source] of parsed)
    for (const statement of source.statements) {
      if (ts.isImportDeclaration(statement) && statement.importClause?.namedBindings)
        request(file, statement.moduleSpecifier.text, statement.importClause.namedBindings.elements)
      if (ts.isExportDeclaration(statement) && statement.moduleSpecifier) request(file, statement.moduleSpecifier.text, statement.exportClause.elements)
    }
  return new Map([...parsed].map(([file, source]) => [file, pruned(source, name => isEntry(file) || asked.get(file).has(name))]))
}

function pruned(source, wanted) {
  const edits = []
  const declared = new Map()
  const reached = new Set()
  const names = statement =>
    ts.isVariableStatement(statement) ? statement.declarationList.declarations.map(d => d.name.getText()) : statement.name ? [statement.name.getText()] : []
  for (const statement of source.statements)
    for (const name of names(statement)) declared.set(name, [...(declared.get(name) ?? []), statement])

  const reach = name => {
    if (reached.has(name)) return
    reached.add(name)
    for (const statement of declared.get(name) ?? []) visit(statement)
  }
  const visit = node => {
    if (ts.isIdentifier(node) && !isMemberName(node)) reach(node.text)
    ts.forEachChild(node, visit)
  }
  const drop = statement => edits.push({ from: statement.getFullStart(), to: statement.end, put: '' })
  const list = (clause, keep, statement) => {
    const kept = clause.elements.filter(keep)
    if (kept.length === 0) drop(statement)
    else if (kept.length < clause.elements.length)
      edits.push({ from: clause.getStart(), to: clause.end, put: `{ ${kept.map(e => e.getText()).join(', ')} }` })
  }

  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement) && !statement.moduleSpecifier) {
      list(statement.exportClause, specifier => wanted(specifier.name.text), statement)
      for (const specifier of statement.exportClause.elements) if (wanted(specifier.name.text)) reach((specifier.propertyName ?? specifier.name).text)
    }
    if (ts.isExportAssignment(statement) || ts.canHaveModifiers(statement) && statement.modifiers?.some(m => m.kind === ts.SyntaxKind.ExportKeyword)) visit(statement)
  }
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement) && statement.importClause?.namedBindings)
      list(statement.importClause.namedBindings, specifier => reached.has(specifier.name.text), statement)
    else if (names(statement).length > 0 && !names(statement).some(name => reached.has(name))) drop(statement)
  }
  return splice(source.text, edits)
}

/** A name that refers to nothing outside of the type it stands in. */
function isMemberName({ parent }) {
  const node = arguments[0]
  return (
    ((ts.isPropertySignature(parent) || ts.isMethodSignature(parent) || ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent) || ts.isParameter(parent)) &&
      parent.name === node) ||
    (ts.isQualifiedName(parent) && parent.right === node)
  )
}
