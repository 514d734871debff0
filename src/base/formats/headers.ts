/** Header lists as they go on the wire: name, value, name, value … A flat array costs least to send; names compare without case. */

/** The value of a header; several lines are joined with a comma. `undefined`: absent. `name` in lower case. */
export function getHeader(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined
  for (let i = 0; i < headers.length; i += 2) {
    const key = headers[i]!
    if (key.length === name.length && (key === name || key.toLowerCase() === name))
      found = found === undefined ? headers[i + 1]! : `${found},${headers[i + 1]}`
  }
  return found
}

/** Every line of a header. */
export function getHeaderLines(headers: readonly string[], name: string): string[] {
  const lines: string[] = []
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === name) lines.push(headers[i + 1]!)
  return lines
}

export function hasHeader(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.length === name.length && headers[i]!.toLowerCase() === name) return true
  return false
}

/** One line with this value, in the place of the first one. */
export function setHeader(headers: string[], name: string, value: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.length !== name.length || headers[i]!.toLowerCase() !== name.toLowerCase()) continue
    headers[i + 1] = value
    removeHeader(headers, name, i + 2)
    return
  }
  headers.push(name, value)
}

export function removeHeader(headers: string[], name: string, from = 0): void {
  const lower = name.toLowerCase()
  for (let i = headers.length - 2; i >= from; i -= 2) if (headers[i]!.toLowerCase() === lower) headers.splice(i, 2)
}
