/** Messages that several kinds share. */
import { field, list, map, message, string, text, uint32 } from './field.ts'

export const labels = map(string)

export const port = message('A port by its number.', 'PortSelector', { number: field('Number of the port.', uint32) })

export const destination = message(
  'Where calls go.',
  'Destination',
  {
    host: field('A service; a name without a dot belongs to the namespace of the document.', string),
    subset: field('A subset that a DestinationRule of the host names.', string, { default: 'every endpoint' }),
    port: field('Port of the service.', port, { default: 'the port that was called' }),
  },
  ['host'],
)

export const stringMatch = message(
  'How a text is compared. An empty one asks whether it is there at all.',
  'StringMatch',
  {
    exact: field('The whole text.', string),
    prefix: field('How the text begins.', string),
    regex: field("A regular expression in RE2's syntax that the whole text matches, in linear time.", string),
  },
  [],
  ['exact', 'prefix', 'regex'],
)

export const exportTo = list(string)
export const EXPORT_TO = 'Namespaces that see this document: ".", "*" or names.'

export const workloadSelector = message('Workloads by their labels.', 'WorkloadSelector', {
  labels: field('Labels that a workload must have.', map(text(63), 256)),
})
