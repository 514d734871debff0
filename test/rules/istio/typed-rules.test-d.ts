/** What the compiler refuses of rules that are written in code, and what it takes as it is. Compiled by `tsc`; nothing here runs. */
import { createMesh, type Mesh, type MeshOptions, type RuleInput, type VirtualService } from '../../../src/index.ts'

declare const mesh: Mesh
const istio = 'networking.istio.io/v1'
const metadata = { name: 'a' }
const route = [{ destination: { host: 'a' } }]

// Documents of every kind, alone, in lists, beside text.
createMesh({ rules: { apiVersion: istio, kind: 'VirtualService', metadata, spec: { hosts: ['a'], http: [{ timeout: '1s', route }] } } })
createMesh({ rules: { apiVersion: istio, kind: 'Sidecar', metadata, spec: { egress: [{ hosts: ['./*'] }] } } })
createMesh({
  rules: [
    'kind: VirtualService',
    { apiVersion: istio, kind: 'DestinationRule', metadata, spec: { host: 'a', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } } },
    { apiVersion: istio, kind: 'ServiceEntry', metadata, spec: { hosts: ['a'], resolution: 'DNS', ports: [{ number: 80, name: 'http' }] } },
    { apiVersion: 'networking.istio.io/v1beta1', kind: 'WorkloadEntry', metadata, spec: { address: '10.0.0.1' } },
    { apiVersion: 'meshless.dev/v1', kind: 'ResiliencePolicy', metadata, spec: { targets: ['*'], bulkhead: { maxConcurrentCalls: 5 } } },
  ],
})
mesh.apply({ apiVersion: istio, kind: 'DestinationRule', metadata, spec: { host: 'a' } })

// What is wrong is wrong where it is written.
createMesh({
  // @ts-expect-error: a duration is text
  rules: { apiVersion: istio, kind: 'VirtualService', metadata, spec: { hosts: ['a'], http: [{ timeout: 5, route }] } },
})
createMesh({
  rules: {
    apiVersion: istio,
    kind: 'DestinationRule',
    metadata,
    spec: {
      host: 'a',
      trafficPolicy: {
        // @ts-expect-error: did you mean connectionPool?
        conectionPool: {},
      },
    },
  },
})
createMesh({
  rules: [
    {
      apiVersion: istio,
      kind: 'ServiceEntry',
      metadata,
      spec: {
        hosts: ['a'],
        // @ts-expect-error: not one of the resolutions
        resolution: 'DSN',
      },
    },
  ],
})
createMesh({
  rules: {
    apiVersion: 'meshless.dev/v1',
    kind: 'ResiliencePolicy',
    metadata,
    spec: {
      targets: ['*'],
      bulkhead: {
        // @ts-expect-error: a number
        maxConcurrentCalls: '5',
      },
    },
  },
})
// @ts-expect-error: apiVersion and metadata are missing
createMesh({ rules: { kind: 'VirtualService', spec: { hosts: ['a'] } } })
// @ts-expect-error: metadata is missing
createMesh({ rules: { apiVersion: istio, kind: 'VirtualService', spec: { hosts: ['a'] } } })
// @ts-expect-error: no such version
createMesh({ rules: { apiVersion: 'networking.istio.io/v2', kind: 'VirtualService', metadata, spec: { hosts: ['a'] } } })
// @ts-expect-error: rules are text or documents
createMesh({ rules: 5 })
// @ts-expect-error: as are those in a list
createMesh({ rules: ['text', 5] })
// @ts-expect-error: hosts is a list
mesh.apply({ apiVersion: istio, kind: 'VirtualService', metadata, spec: { hosts: 'a' } })
// @ts-expect-error: host is missing
mesh.apply(['text', { apiVersion: istio, kind: 'DestinationRule', metadata, spec: {} }])

// Other options are checked as before.
// @ts-expect-error: did you mean strict?
createMesh({ strcit: true })
createMesh({ discovery: { resolver: { resolve: async name => [{ address: name.toLowerCase() }] } } })

// What the compiler does not know is taken as it is.
declare const loose: { kind: string; spec: object }
declare const text: string
declare const unknownVersion: { apiVersion: string }
declare const made: VirtualService
declare const several: string | object[]
declare const one: string | VirtualService | undefined
declare const input: RuleInput
declare const options: MeshOptions
declare const parsed: any
createMesh({ rules: loose })
createMesh({ rules: [loose, text, made, { kind: 'Service', spec: 3 }] })
createMesh({ rules: { apiVersion: 'appmesh.k8s.aws/v1beta2', kind: 'VirtualService', spec: 3 } })
createMesh({ rules: { ...unknownVersion, kind: 'VirtualService', metadata, spec: { hosts: ['a'] } } })
createMesh({ rules: several })
createMesh({ rules: one })
createMesh({ rules: input, strict: true })
createMesh({ rules: parsed })
createMesh({ rules: JSON.parse(text) })
createMesh(options)
createMesh({ ...options, rules: made })
createMesh()
mesh.apply(several)
mesh.apply(input)
mesh.apply(parsed)
