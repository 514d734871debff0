/** `meshless init`: a first rules.yaml that works, with help from the editor. */
import { nodeModules } from '../../rules/sources/read-files.ts'
import { CliError, EXIT } from './around.ts'
import type { Command } from './command.ts'
import { oneLine } from './printable.ts'

/** For editors: each document of a file needs the line. */
const EDITOR = '# yaml-language-server: $schema=./node_modules/meshless/rules.schema.json'

export const STARTER = `${EDITOR}
# Where the service is.
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [reviews.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints:
    - { address: 127.0.0.1, ports: { http: 9081 }, labels: { version: v1 } }
    - { address: 127.0.0.1, ports: { http: 9082 }, labels: { version: v2 } }
---
${EDITOR}
# How it is called: who fails five times in a row is left out for a while.
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews.local
  trafficPolicy:
    outlierDetection: { consecutive5xxErrors: 5, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 50 }
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
---
${EDITOR}
# Which version gets which share.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews.local]
  http:
    - timeout: 2s
      retries: { attempts: 2, retryOn: "connect-failure,refused-stream" }
      route:
        - { destination: { host: reviews.local, subset: v1 }, weight: 90 }
        - { destination: { host: reviews.local, subset: v2 }, weight: 10 }
`

export const init: Command = {
  name: 'init',
  takes: '[FILE]',
  text: 'writes a first rules.yaml',
  options: [{ name: 'force', text: 'writes over a file that is there' }],
  async run(args, around) {
    const [file = 'rules.yaml', more] = args.rest
    if (more !== undefined) throw new CliError(EXIT.usage, `what is ${JSON.stringify(more)}?`, 'meshless init [FILE]')
    try {
      await nodeModules().fs.writeFile(file, STARTER, { flag: args.has('force') ? 'w' : 'wx' })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') throw new CliError(EXIT.usage, `${file} is there already`, '--force writes over it')
      throw new CliError(EXIT.usage, `${file} cannot be written: ${message}`)
    }
    const shown = oneLine(file)
    around.out(`${shown} is written. Next: meshless validate ${shown}; meshless explain ${shown} --url http://reviews.local/\n`)
    return EXIT.good
  },
}
