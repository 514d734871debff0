/** A mesh with rules of the program and of a source that is trusted less, and what it dials. */
import { createMesh, type Mesh, type MeshOptions, type Source, type Trust } from '../../src/index.ts'
import { type FakeScript, fakeTransport } from '../../src/testing/index.ts'

const kinds = { ServiceEntry: 1, VirtualService: 1, DestinationRule: 1, WorkloadEntry: 1, Sidecar: 1, ResiliencePolicy: 1 }
export const rule = (kind: keyof typeof kinds, name: string, spec: object, labels?: object): object => ({
  apiVersion: kind === 'ResiliencePolicy' ? 'meshless.dev/v1' : 'networking.istio.io/v1',
  kind,
  metadata: { name, ...(labels && { labels }) },
  spec,
})
export const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }]
export const entry = (host: string, more: object = {}): object =>
  rule('ServiceEntry', host, { hosts: [host], ports, resolution: 'STATIC', endpoints: [{ address: '10.0.0.1' }], ...more })
export const routes = (host: string, http: object): object => rule('VirtualService', host, { hosts: [host], http: [http] })
export const to = (host: string): object => ({ route: [{ destination: { host } }] })

export interface Setup {
  readonly rules?: object[]
  readonly low: object[]
  readonly trust?: Trust | undefined
  readonly names?: Record<string, string[]>
  readonly script?: Record<string, FakeScript>
  readonly options?: MeshOptions
}

export async function meshWith({ rules = [], low, trust, names = {}, script = {}, options }: Setup) {
  const dialed: string[] = []
  const upstreams = fakeTransport({ '*': { status: 200 }, ...script })
  const mesh = createMesh({
    rules,
    sources: [sourceOf('low', low, trust)],
    discovery: { resolver: { resolve: async name => (names[name] ?? ['10.0.0.9']).map(address => ({ address })) } },
    transport: {
      connect(target, listener) {
        dialed.push(target.address, ...(target.others ?? []))
        return upstreams.connect(target, listener)
      },
    },
    ...options,
  })
  listen(mesh)
  const problem = await mesh.ready().then(
    () => undefined,
    error => error,
  )
  const codes: string[] = (problem?.diagnostics ?? mesh.diagnostics).map((d: { code: string }) => d.code)
  return { mesh, dialed, problem, codes }
}

/** So that refused sets and warnings, which are meant, are not printed. */
export function listen(mesh: Mesh): void {
  mesh.on('warning', () => {})
  mesh.on('rejected', () => {})
}

export function sourceOf(name: string, documents: object[], trust: Trust | undefined): Source {
  return {
    name,
    trust,
    start(deliver) {
      deliver([{ documents }])
      return () => {}
    },
  }
}

export const statusOf = (mesh: Mesh, url: string, init?: RequestInit): Promise<number | string> =>
  mesh.fetch(url, init).then(
    response => response.status,
    error => (error.cause ?? error).code ?? error.message,
  )
