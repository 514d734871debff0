/** Kinds of IP addresses that callers must tell apart. */

/**
 * Whether an address is link-local: reachable on this machine's own link only, which is where clouds answer with credentials
 * (169.254.169.254; on AWS also fd00:ec2::254). IPv4 addresses inside of IPv6 are seen through.
 */
export function isLinkLocal(address: string): boolean {
  const bare = address.toLowerCase().replace(/^\[|\](?::\d+)?$/g, '')
  const v4 = bare.replace(/^(?:0*:)*(?:ffff:)?(?=\d+\.)/, '')
  if (/^169\.254\.\d+\.\d+$/.test(v4)) return true
  return /^fe[89ab][0-9a-f]:/.test(bare) || bare === 'fd00:ec2::254' || /^(?:0*:)*(?:ffff:)a9fe:[0-9a-f]+$/.test(bare)
}
