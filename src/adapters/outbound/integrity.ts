/** Subresource integrity (https://www.w3.org/TR/SRI/): whether bytes are those that the caller expects. */

const STRENGTH = ['sha256', 'sha384', 'sha512']

/**
 * Whether the bytes have one of the strongest digests named. Text that names no known algorithm asks for nothing; a known
 * algorithm with a digest that cannot be one matches nothing.
 */
export async function matchesIntegrity(bytes: Uint8Array, metadata: string): Promise<boolean> {
  let strongest = -1
  let wanted: string[] = []
  for (const token of metadata.split(/[\t\n\f\r ]+/)) {
    const [expression = ''] = token.split('?', 1)
    const strength = STRENGTH.indexOf(expression.slice(0, 6).toLowerCase())
    if (strength < 0 || !/^(-|$)/.test(expression.slice(6)) || strength < strongest) continue
    if (strength > strongest) wanted = []
    strongest = strength
    wanted.push(plain(expression.slice(7)))
  }
  if (strongest < 0) return true
  const algorithm = STRENGTH[strongest]!.replace('sha', 'SHA-')
  const digest = new Uint8Array(await crypto.subtle.digest(algorithm, bytes as BufferSource))
  return wanted.includes(plain(btoa(String.fromCharCode(...digest))))
}

/** One spelling of base64: without padding, in the URL alphabet or the other. */
const plain = (base64: string) =>
  base64
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '')
