/** One rule document as every part of the control wing sees it: what it is, what it says, and where it was written. */

import type { Trust } from '../../core/trust.ts'

/** A place in a text; both count from 1. */
export interface Position {
  line: number
  column: number
}

/** Name and labels of a document; `creationTimestamp` decides who is older when two documents compete. */
export interface Metadata {
  name: string
  namespace?: string
  creationTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

export interface RuleDocument {
  /** `networking.istio.io/v1`, `/v1beta1`, `/v1alpha3` or `meshless.dev/v1`. */
  apiVersion: string
  kind: string
  metadata: Metadata
  /** The rule, with Istio's names in camelCase, numbers as numbers, enums as names; fields nobody knows are left out. */
  spec: any
  /** The rule as it was written, for those who report on it. */
  asWritten?: unknown
  /** Where the document stands: its source, its place in it (from 0) and its first line (from 1; 0 for objects made in code). */
  origin?: { source?: string; document: number; line: number }
  /** How far the source of the document is trusted; absent: as far as the program itself. */
  trust?: Trust
  /** Line and column of a path like `spec.http[0].timeout`, or of the nearest parent that was written. */
  locate?(path: string): Position | undefined
}

/** The step from a path to one of its members: `spec.http`, `spec.http[0]`, `metadata.labels["app.io/name"]`. */
export function member(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`
  if (!/^[A-Za-z_@][\w-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

const STEP = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g

/** The keys of a path made by `member`. */
export function stepsOf(path: string): (string | number)[] {
  return Array.from(path.matchAll(STEP), ([, index, quoted, name]) =>
    index !== undefined ? Number(index) : quoted !== undefined ? (JSON.parse(quoted) as string) : name!,
  )
}
