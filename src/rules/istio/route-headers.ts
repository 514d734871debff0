/** Header operations: set, then add, each by name; a `host` that is set rewrites the authority instead. */
import type { HeaderValueOption } from '../../envoy/index.ts'
import { sorted } from './route-match.ts'

export interface HeaderOperations {
  requestHeadersToAdd?: HeaderValueOption[]
  requestHeadersToRemove?: string[]
  responseHeadersToAdd?: HeaderValueOption[]
  responseHeadersToRemove?: string[]
}

/** Adds the operations of a `headers` block after those already there. Gives the authority that it sets, if any. */
export function applyHeaders(target: HeaderOperations, headers: any): string | undefined {
  if (headers == null) return undefined
  const add = additions(headers.request)
  if (add.length > 0) target.requestHeadersToAdd = [...(target.requestHeadersToAdd ?? []), ...add]
  const remove = removals(headers.request)
  if (remove.length > 0) target.requestHeadersToRemove = [...(target.requestHeadersToRemove ?? []), ...remove]
  const addBack = additions(headers.response)
  if (addBack.length > 0) target.responseHeadersToAdd = [...(target.responseHeadersToAdd ?? []), ...addBack]
  const removeBack = removals(headers.response)
  if (removeBack.length > 0) target.responseHeadersToRemove = [...(target.responseHeadersToRemove ?? []), ...removeBack]
  return authorityOf(headers.request?.set) || authorityOf(headers.request?.add) || undefined
}

function authorityOf(headers: Record<string, string> | undefined): string | undefined {
  return Object.entries(headers ?? {}).find(([name]) => isAuthority(name))?.[1]
}

function isAuthority(name: string): boolean {
  return /^(?:host|:authority)$/i.test(name)
}

/** Pseudo headers other than the authority cannot be changed. */
function isPlain(name: string): boolean {
  return !name.startsWith(':') && !isAuthority(name)
}

function additions(operations: any): HeaderValueOption[] {
  const out: HeaderValueOption[] = []
  for (const [key, value] of sorted(operations?.set))
    if (isPlain(key)) out.push({ header: { key, value }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' })
  for (const [key, value] of sorted(operations?.add)) if (isPlain(key)) out.push({ header: { key, value } })
  return out
}

function removals(operations: any): string[] {
  return (operations?.remove ?? []).filter(isPlain)
}
