/** Subresource integrity (https://www.w3.org/TR/SRI/): whether bytes are those that the caller expects. */

const STRENGTH = ['sha256', 'sha384', 'sha512']

/** Whether the bytes have one of the strongest digests named. Text that names none known asks for nothing. */
export async function matchesIntegrity(bytes: Uint8Array, metadata: string): Promise<boolean> {
  let strongest = -1
  let wanted: string[] = []
  for (const token of metadata.split(/\s+/)) {
    const found = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(\?.*)?$/i.exec(token)
    if (found === null) continue
    const strength = STRENGTH.indexOf(found[1]!.toLowerCase())
    if (strength < strongest) continue
    if (strength > strongest) wanted = []
    strongest = strength
    wanted.push(plain(found[2]!))
  }
  if (strongest < 0) return true
  const digest = new Uint8Array(await crypto.subtle.digest(STRENGTH[strongest]!.replace('sha', 'SHA-'), bytes as BufferSource))
  return wanted.includes(plain(btoa(String.fromCharCode(...digest))))
}

/** One spelling of base64: without padding, in the URL alphabet or the other. */
const plain = (base64: string) => base64.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
