/** What a policy says of itself. */
export interface Description {
  readonly kind: string
  readonly name: string
  /** Its settings after defaults. */
  readonly options: Readonly<Record<string, unknown>>
  /** Policies inside it, outermost first. */
  readonly inner?: readonly Description[]
  /** Orders and settings that surely surprise. */
  readonly warnings?: readonly string[]
}
