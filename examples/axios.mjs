// The same rules under axios.
import axios from 'axios'
import { createMesh } from 'meshless'

const mesh = createMesh({
  rules: `
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: { name: users }
    spec:
      hosts: [users.test]
      http:
      - match: [{ uri: { prefix: /users/ } }]
        directResponse: { status: 200, body: { string: '{"name":"ada"}' } }
      - fault: { abort: { percentage: { value: 100 }, httpStatus: 503 } }
        route: [{ destination: { host: users.test } }]`,
})
const client = axios.create({ adapter: mesh.axios(), baseURL: 'http://users.test' })
console.log((await client.get('/users/1')).data.name) // => ada
console.log(await client.get('/orders').catch(error => `${error.code} ${error.response.status} ${error.response.data}`)) // => ERR_BAD_RESPONSE 503 fault filter abort
await mesh.close()
