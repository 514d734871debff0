/** Istio's rules for a WorkloadEntry, alone or as an endpoint of a ServiceEntry. */
import { member } from '../document.ts'
import { type Check, domainFault, isIp } from './check.ts'

const UNIX = 'unix://'

export function isUnix(address: string): boolean {
  return address.startsWith(UNIX)
}

/** `address: false` leaves the form of the address to the caller. */
export function workloadEntry(check: Check, entry: any, path: string, rules = { address: true }): void {
  const address: string = entry.address ?? ''
  if (address === '') {
    if (!entry.network) check.error('required', path, 'an address is required', 'add address:')
    else
      check.warn(
        'no-address',
        path,
        `no address, with network ${JSON.stringify(entry.network)}: its gateway stands for it`,
        'add address: unless the network has a gateway',
      )
  } else if (isUnix(address)) {
    const file = address.slice(UNIX.length)
    if (!/^[/@]/.test(file) || file.endsWith('/'))
      check.error('invalid-address', `${path}.address`, `${file} is no absolute path of a socket`, 'such as unix:///run/app.sock')
    if (Object.keys(entry.ports ?? {}).length > 0) check.error('conflict', `${path}.ports`, 'a unix socket has no ports', 'leave ports out')
  } else if (rules.address && !isIp(address)) {
    const fault = domainFault(address, false)
    if (fault !== undefined) check.error('invalid-address', `${path}.address`, fault, 'an IP address or a DNS name')
  }
  for (const [name, number] of Object.entries<number>(entry.ports ?? {})) {
    if (!/^[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,60}[a-zA-Z0-9])?$/.test(name))
      check.error('invalid-port', member(`${path}.ports`, name), `${JSON.stringify(name)} is no port name`, 'letters, digits and "-"')
    if (!isUnix(address)) check.port(number, member(`${path}.ports`, name))
  }
  check.labels(entry.labels, `${path}.labels`)
}
