/** Istio's rules for a WorkloadEntry, alone or as an endpoint of a ServiceEntry. */
import { suggest } from '../../../core/schema/read.ts'
import { member } from '../document.ts'
import { type Check, domainFault, isIp, isLabel } from './check.ts'

const UNIX = 'unix://'

export function isUnix(address: string): boolean {
  return address.startsWith(UNIX)
}

/** An absolute path, or an abstract name after "@". */
export function unixSocket(check: Check, address: string, path: string): void {
  const file = address.slice(UNIX.length)
  if (!file.startsWith('@') && (!file.startsWith('/') || file.endsWith('/')))
    check.error('invalid-address', path, `${JSON.stringify(file)} is no absolute path of a socket`, 'such as unix:///run/app.sock')
}

/** As an endpoint of a STATIC ServiceEntry, whose port names are given, an entry has an IP address or a socket, and no name. */
export function workloadEntry(check: Check, entry: any, path: string, ports?: ReadonlySet<string>): void {
  const address: string = entry.address ?? ''
  if (address === '') {
    if (!entry.network) {
      check.error('required', path, 'an address is required', 'add address:')
      return
    } else
      check.warn(
        'no-address',
        path,
        `no address, with network ${JSON.stringify(entry.network)}: its gateway stands for it`,
        'add address: unless the network has a gateway',
      )
  } else if (isUnix(address)) {
    unixSocket(check, address, `${path}.address`)
    if (Object.keys(entry.ports ?? {}).length > 0) check.error('conflict', `${path}.ports`, 'a unix socket has no ports', 'leave ports out')
    else if (ports !== undefined && ports.size !== 1)
      check.error(
        'conflict',
        `${path}.address`,
        `a unix socket stands for one port, the service has ${ports.size}`,
        'give the service one port',
      )
  } else if (!isIp(address)) {
    const fault = ports === undefined ? domainFault(address, false) : `${JSON.stringify(address)} is no IP address`
    if (fault !== undefined)
      check.error(
        'invalid-address',
        `${path}.address`,
        fault,
        ports === undefined ? 'an IP address or a DNS name' : 'use resolution: DNS for names',
      )
  }
  if (!isUnix(address)) endpointPorts(check, entry, path, ports)
  check.labels(entry.labels, `${path}.labels`)
}

/** Ports of an endpoint by the names that the service gives them. */
export function endpointPorts(check: Check, entry: any, path: string, known?: ReadonlySet<string>): void {
  for (const [name, number] of Object.entries<number>(entry.ports ?? {})) {
    const at = member(`${path}.ports`, name)
    if (!isLabel(name)) check.error('invalid-port', at, `${JSON.stringify(name)} is no port name`, 'letters, digits and "-"')
    else if (known !== undefined && !known.has(name))
      check.error(
        'unknown-port',
        at,
        `the service has no port ${name}`,
        suggest(name, [...known]) ?? `its ports: ${[...known].join(', ') || 'none'}`,
      )
    check.port(number, at)
  }
}
