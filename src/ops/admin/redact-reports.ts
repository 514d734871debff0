/**
 * Reports about the rules (explanations, diagnostics, events, the state of sources) without what
 * may be secret. Their texts quote values, so a text is shown only where no secret can be.
 */
import type { Explanation } from '../../mesh/explain.ts'
import type { Value } from '../../mesh/explain-values.ts'
import type { MeshSnapshot } from '../../mesh/snapshot.ts'
import type { Diagnostic } from '../../rules/istio/diagnostic.ts'
import { stepsOf } from '../../rules/istio/document.ts'
import type { Field, Message } from '../../rules/istio/schema/field.ts'
import { ISTIO_KINDS, OWN_KINDS } from '../../rules/istio/schema/index.ts'
import { cleaned, mapped, REDACTED, redactNamed, SECRET_FIELDS } from './redact.ts'

const HINT = 'shown to requests with the token'

export function redactExplanation(explanation: Explanation): unknown {
  const { tried, policy, destinations, ...rest } = explanation
  return {
    ...(cleaned(rest) as object),
    tried: tried.map(route => ({
      ...(cleaned(route) as object),
      conditions: route.conditions.map(({ text, held }) => ({ text: redactCondition(text), held })),
    })),
    policy: policy.map(redactValue),
    destinations: destinations.map(({ policy: own, ...destination }) => ({
      ...(redactNamed(destination) as object),
      policy: own.map(redactValue),
    })),
  }
}

/** `end-user = jason`, `not query x starts with y`, `path matches z`: the name and the operator stay. */
const COMPARISON = /^.*? (?:=|starts with|ends with|contains|matches|is in) /s
const ADDRESS = /^(?:not )?:(?:method|scheme|authority) /
const PRESENCE = /^\S+(?: \S+){0,2} is (?:present|absent)$/

function redactCondition(text: string): string {
  if (ADDRESS.test(text)) return text
  const comparison = COMPARISON.exec(text)?.[0]
  if (comparison !== undefined) return comparison + REDACTED
  return PRESENCE.test(text) ? text : REDACTED
}

function redactValue({ name, value, from }: Value): Value {
  const wrapped = redactNamed({ [name.split('.').at(-1)!]: value }) as Record<string, unknown>
  return { name, value: Object.values(wrapped)[0], from: cleaned(from) as Value['from'] }
}

export function redactSnapshot(snapshot: MeshSnapshot): unknown {
  const { sources, policies, ...rest } = snapshot
  return {
    ...(cleaned(rest) as object),
    policies: redactNamed(policies),
    sources: sources.map(source => {
      const known = cleaned(source) as object
      return source.error === undefined ? known : { ...known, error: REDACTED }
    }),
  }
}

/** A diagnostic of rules that are in force. */
export function redactDiagnostic(diagnostic: Diagnostic): Diagnostic {
  return isPublic(diagnostic) ? (cleaned(diagnostic) as Diagnostic) : withoutTexts(diagnostic)
}

/** What was refused may be wrong in any way: a secret may be where no rule has one. */
function withoutTexts(diagnostic: Diagnostic): Diagnostic {
  return { ...(cleaned(diagnostic) as Diagnostic), message: REDACTED, hint: HINT }
}

export function redactEvent(type: string, event: Record<string, unknown>): object {
  if (type === 'warning') return redactDiagnostic(event as unknown as Diagnostic)
  const isRefusal = 'errors' in event
  return mapped(event, (name, value) => {
    if (name === 'error') return REDACTED
    if (name !== 'errors' && name !== 'warnings') return cleaned(value)
    return (value as readonly Diagnostic[]).map(isRefusal ? withoutTexts : redactDiagnostic)
  })
}

/** Whether a text about this place cannot quote a secret: none is there or further inside. */
function isPublic({ path, kind, document }: Diagnostic): boolean {
  if (document === undefined) return true
  if (path === undefined) return false
  const [first, ...steps] = stepsOf(path)
  if (first === 'kind' || first === 'apiVersion') return true
  if (first === 'metadata') return steps.length === 0 || steps[0] === 'name' || steps[0] === 'namespace'
  const spec = ISTIO_KINDS.get(kind ?? '') ?? OWN_KINDS.get(kind ?? '')
  if (first !== 'spec' || spec === undefined) return false
  return isPublicAt(spec, steps)
}

function isPublicAt(shape: Message | Field, steps: readonly (string | number)[]): boolean {
  const [step, ...rest] = steps
  if (step === undefined) return !holdsSecret(shape)
  if (shape.type === 'list' || shape.type === 'map') return isPublicAt(shape.of, rest)
  if (shape.type !== 'message') return false
  const field = Object.hasOwn(shape.fields, step) ? shape.fields[step] : undefined
  if (field === undefined || SECRET_FIELDS[shape.name]?.includes(String(step))) return false
  return isPublicAt(field, rest)
}

function holdsSecret(shape: Message | Field): boolean {
  if (shape.type === 'any') return true
  if (shape.type === 'list' || shape.type === 'map') return holdsSecret(shape.of)
  if (shape.type !== 'message') return false
  return SECRET_FIELDS[shape.name] !== undefined || Object.values(shape.fields).some(holdsSecret)
}
