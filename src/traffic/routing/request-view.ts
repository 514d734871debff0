/** What routing sees of a request. */
export interface RequestView {
  readonly method: string
  /** Host header as sent: port, case and trailing dot included. */
  readonly authority: string
  /** Path and query. */
  readonly path: string
  readonly scheme: string
  readonly port: number
  /** Status of the answer, once there is one. */
  readonly status?: number
  /** A header's value, several lines joined by a comma; `name` in lower case. */
  header(name: string): string | undefined
}
