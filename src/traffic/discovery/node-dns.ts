/** The system's resolver on Node: `/etc/hosts` and DNS as every other program on the machine sees them. */
import type { ResolvedAddress, Resolver } from '../../core/resolver.ts'

/** Resolves through `dns.lookup`. It reports no TTL. Rejects where there is no `node:dns`. */
export function systemResolver(): Resolver {
  return {
    async resolve(hostname): Promise<readonly ResolvedAddress[]> {
      const dns = globalThis.process?.getBuiltinModule?.('node:dns')
      if (dns === undefined) throw new Error(`cannot resolve ${hostname}: this runtime has no DNS`)
      const found = await dns.promises.lookup(hostname, { all: true, verbatim: true })
      return found.map(entry => ({ address: entry.address }))
    },
  }
}
