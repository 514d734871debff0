// Options are described once, as data, and their types are computed from it (`InputOf<typeof circuitBreakerFields>`). An editor shows such a type without a
// word of what an option means. This writes them out in a declaration file, as the interfaces that one would have written by hand: every option with its
// meaning, unit, bounds and default. So for what the code gets (`OptionsOf`). It reads syntax only; whether the types are still the same is for check.mjs to say.
import ts from 'typescript'
import { optionComment, written } from './comment.mjs'

const nameOf = node => node.name.getText()
const isReference = (node, name) => ts.isTypeReferenceNode(node) && node.typeName.getText() === name

/** The two sides of a description: where `Option<In, Out>` has it, what its objects are called, how a member is written. */
const GIVEN = { argument: 0, of: 'InputOf', head: (key, option) => `${key}${option.required ? '' : '?'}` }
const READ = { argument: 1, of: 'OptionsOf', head: key => `readonly ${key}` }

/** The same text with some ranges replaced. `base` is the place of its first character. */
export function splice(text, edits, base = 0) {
  let result = ''
  let at = base
  for (const { from, to, put } of [...edits].sort((a, b) => a.from - b.from)) {
    result += text.slice(at - base, from - base) + put
    at = to
  }
  return result + text.slice(at - base)
}

/**
 * @param file the parsed declaration file, its parents set
 * @param described all descriptions of the sources: name of the constant -> its fields
 * @returns the new text, and the declarations that were replaced: `{ name, parameters, text }`, where `text` is the old one
 */
export function optionInterfaces(file, described) {
  /** The type of each description that the file declares. */
  const constants = new Map()
  for (const statement of file.statements)
    if (ts.isVariableStatement(statement))
      for (const { name, type } of statement.declarationList.declarations)
        if (type !== undefined && ts.isTypeLiteralNode(type)) constants.set(name.getText(), type)

  /** The interface that stands for some fields, when the file has one. */
  const named = new Map()
  const replaced = []
  for (const statement of file.statements) {
    const made = computed(statement)
    if (made === undefined) continue
    replaced.push({ statement, ...made })
    if (statement.typeParameters === undefined && made.side === GIVEN && !named.has(made.fields)) named.set(made.fields, nameOf(statement))
  }

  /** `InputOf<typeof xFields>`, alone, behind `Omit`, or with members of its own. */
  function computed(statement) {
    if (ts.isInterfaceDeclaration(statement)) {
      const [heritage, ...others] = statement.heritageClauses?.[0]?.types ?? []
      if (heritage?.expression.getText() !== 'InputOf') return undefined
      if (others.length > 0) throw new Error(`${nameOf(statement)} extends more than a description`)
      return { side: GIVEN, ...query(heritage.typeArguments[0]), omitted: new Set(), own: statement.members }
    }
    if (!ts.isTypeAliasDeclaration(statement)) return undefined
    const parts = ts.isIntersectionTypeNode(statement.type) ? statement.type.types : [statement.type]
    const [first, own] = parts
    if (parts.length > 2 || (own !== undefined && !ts.isTypeLiteralNode(own))) return undefined
    for (const side of [GIVEN, READ])
      if (isReference(first, side.of)) return { side, ...query(first.typeArguments[0]), omitted: new Set(), own: own?.members ?? [] }
    if (!isReference(first, 'Omit') || !isReference(first.typeArguments[0], 'InputOf')) return undefined
    const keys = first.typeArguments[1]
    return {
      side: GIVEN,
      ...query(first.typeArguments[0].typeArguments[0]),
      omitted: new Set((ts.isUnionTypeNode(keys) ? keys.types : [keys]).map(key => key.literal.text)),
      own: own?.members ?? [],
    }
  }

  /** `typeof xFields`: its type here, and its description in the sources. */
  function query(node) {
    if (!ts.isTypeQueryNode(node)) throw new Error(`${node.getText()}: a description without a name`)
    const name = node.exprName.getText()
    if (!constants.has(name) || described[name] === undefined) throw new Error(`${name} is described nowhere`)
    return { literal: constants.get(name), fields: described[name] }
  }

  const edits = []
  for (const { statement, side, literal, fields, omitted, own } of replaced) {
    const mine = new Map([...own].map(member => [nameOf(member), member]))
    const body = members(side, literal, fields, '    ', key => (mine.has(key) ? ownMember(mine.get(key), fields[key], '    ') : omitted.has(key) ? '' : undefined))
    const further = [...own].filter(member => fields[nameOf(member)] === undefined).map(member => `    ${member.getFullText().trim()}\n`)
    const parameters = statement.typeParameters === undefined ? '' : `<${statement.typeParameters.map(p => p.getText()).join(', ')}>`
    edits.push({ from: statement.getStart(), to: statement.end, put: `interface ${nameOf(statement)}${parameters} {\n${body}${further.join('')}}` })
  }
  for (const mapped of everyMapped(file)) edits.push({ from: mapped.getStart(), to: mapped.end, put: blocks(mapped) })

  return {
    text: splice(file.text, edits),
    replaced: replaced.map(({ statement }) => ({
      name: nameOf(statement),
      parameters: statement.typeParameters?.length ?? 0,
      text: file.text.slice(statement.getStart(), statement.end),
    })),
  }

  /** The members of an interface. `instead` says what stands for an option, if it is not what its description says. */
  function members(side, literal, fields, indent, instead = () => undefined) {
    let text = ''
    for (const member of literal.members) {
      const key = nameOf(member)
      const option = fields[key]
      if (option === undefined) throw new Error(`${key} is not among ${Object.keys(fields).join(', ')}`)
      text += instead(key) ?? `${optionComment(option, indent)}${indent}${side.head(key, option)}: ${valueText(side, member, option, indent)};\n`
    }
    return text
  }

  /** What an option may be on one side of its description. */
  function valueText(side, member, option, indent) {
    const type = ts.isIntersectionTypeNode(member.type) ? member.type.types[0] : member.type
    if (!isReference(type, 'Option')) throw new Error(`${member.getText()} is no description`)
    const given = type.typeArguments[side.argument]
    const text = typeText(side, given, option, indent)
    if (option.required || side === READ) return text
    return `${ts.isFunctionTypeNode(given) ? `(${text})` : text} | undefined`
  }

  /** A type as it stands there, the described objects in it written out. */
  function typeText(side, node, option, indent) {
    const edits = []
    const visit = part => {
      const fields = fieldsOf(option)
      if (isReference(part, side.of)) {
        const [argument] = part.typeArguments
        const interfaced = side === GIVEN ? named.get(fields) : undefined
        const put = interfaced ?? `{\n${members(side, ts.isTypeQueryNode(argument) ? constants.get(argument.exprName.getText()) : argument, fields, `${indent}    `)}${indent}}`
        edits.push({ from: part.getStart(), to: part.end, put })
      } else ts.forEachChild(part, visit)
    }
    visit(node)
    return splice(node.getText(), edits, node.getStart())
  }

  /** A member written by hand, because it says more than the description can; with the description's words. */
  function ownMember(member, option, indent) {
    const edits = []
    const visit = node => {
      if (ts.isTypeLiteralNode(node) && fieldsOf(option) !== undefined)
        for (const inner of node.members)
          edits.push({ from: inner.getFullStart(), to: inner.getStart(), put: `\n${optionComment(fieldsOf(option)[nameOf(inner)], `${indent}    `)}${indent}    ` })
      else ts.forEachChild(node, visit)
    }
    visit(member.type)
    return `${optionComment(option, indent)}${indent}${splice(member.getText(), edits, member.getStart())}\n`
  }

  /** The blocks of a ResiliencePolicy: all that data can say. */
  function blocks(mapped) {
    const indent = '        '
    const parts = constants.get('BLOCKS').members.map(block => {
      const { text, fields } = described['BLOCKS'][nameOf(block)]
      const literal = block.type.members.find(member => nameOf(member) === 'fields').type
      const body = members(GIVEN, literal, fields, `${indent}    `, key => (fields[key].type === 'function' ? '' : undefined))
      return `${written([text], indent)}${indent}${nameOf(block)}?: {\n${body}${indent}} | undefined;\n`
    })
    return `{\n${parts.join('')}    }`
  }
}

function* everyMapped(node) {
  if (ts.isMappedTypeNode(node) && node.typeParameter.constraint.getText() === 'keyof typeof BLOCKS') yield node
  else for (const child of node.getChildren()) yield* everyMapped(child)
}

/** The fields of the objects that an option may hold; those of several forms together. */
const merged = new Map()
function fieldsOf(option) {
  if (option.fields !== undefined || option.items !== undefined) return option.fields ?? fieldsOf(option.items)
  const forms = (option.of ?? []).map(fieldsOf).filter(Boolean)
  if (forms.length < 2) return forms[0]
  if (!merged.has(option)) merged.set(option, Object.assign({}, ...forms))
  return merged.get(option)
}
