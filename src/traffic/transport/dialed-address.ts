/** Where an endpoint is really dialed: its own address, or what code of the user puts in its place. */

/** By an endpoint's own `ip:port`: a map or a function; `undefined` for the endpoint's own address. */
export type ConnectTo = Readonly<Record<string, string>> | ((address: string) => string | undefined)

/** The address to dial, or the error that stands in for it: a connection that cannot be made, like any other. */
export function dialedAddresses(connectTo: ConnectTo | undefined): (address: string) => string | Error {
  if (connectTo === undefined) return address => address
  const chosen = typeof connectTo === 'function' ? connectTo : (address: string) => connectTo[address]
  return address => {
    try {
      const found: unknown = chosen(address)
      if (found === undefined || found === null) return address
      if (typeof found === 'string') return found
      return new TypeError(`connectTo(${JSON.stringify(address)}): expected a text such as "127.0.0.1:8080", received ${typeof found}`)
    } catch (cause) {
      return new Error(`connectTo(${JSON.stringify(address)}) threw`, { cause })
    }
  }
}
