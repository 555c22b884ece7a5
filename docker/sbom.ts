import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'

/**
 * `npm sbom --package-lock-only --sbom-format=cyclonedx … | node sbom.ts --name NAME --modules node_modules [--requirements FILE]`
 *
 * Makes npm's CycloneDX document the image's own. Of a workspace, npm lists what its lockfile would allow: other platforms' packages too, and
 * not each one that is shared with another workspace. So what npm has written down as installed decides, and npm's document describes it.
 * Then it names the image, adds what npm does not know of (the node binary, the Python wheels whose libraries are taken along), and takes
 * out what npm makes of the clock and of chance: the same content is the same document.
 */
type Component = {
  'bom-ref': string
  type: string
  name: string
  version: string
  purl: string
  [field: string]: unknown
}
type CycloneDx = {
  serialNumber: string
  metadata: { timestamp: string; component: Component; [field: string]: unknown }
  components: Component[]
  dependencies: { ref: string; dependsOn: string[] }[]
}
type Installed = { version?: string; license?: string; integrity?: string; link?: boolean }

const { values } = parseArgs({
  options: { name: { type: 'string' }, modules: { type: 'string' }, requirements: { type: 'string' } },
})
const { name, modules, requirements } = values
if (!name || !modules) throw new Error('--name: what the image is called; --modules: its node_modules')

const npms = JSON.parse(await text(process.stdin)) as CycloneDx
const described = new Map(npms.components.map((component) => [component['bom-ref'], component]))
const hidden = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')) as {
  packages: Record<string, Installed>
}
const installed = Object.entries(hidden.packages).flatMap(([path, entry]) => {
  if (entry.link || !entry.version) return []
  // A workspace's own path has no node_modules in it.
  const [, packageName = `@mooring/${path}`] = /.*node_modules\/(.+)$/.exec(path) ?? []
  const ref = `${packageName}@${entry.version}`
  return [described.get(ref) ?? fromLockfile(ref, packageName, entry)]
})
if (installed.length === 0) throw new Error(`nothing is installed in ${modules}`)

const components = [
  ...new Map(
    [...installed, nodeItself(), ...(requirements ? wheels(readFileSync(requirements, 'utf8')) : [])].map(
      (component) => [component['bom-ref'], component] as const,
    ),
  ).values(),
].sort((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1))
const there = new Set(components.map((component) => component['bom-ref']))
const edges = npms.dependencies
  .filter(({ ref }) => there.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((dependency) => there.has(dependency)) }))
const reached = new Set(edges.flatMap(({ dependsOn }) => dependsOn))
const image = { ref: name, dependsOn: [...there].filter((ref) => !reached.has(ref)) }

const content = {
  ...npms,
  serialNumber: '',
  metadata: {
    ...npms.metadata,
    timestamp: new Date(Number(process.env.SOURCE_DATE_EPOCH || 0) * 1000).toISOString(),
    lifecycles: [{ phase: 'build' }],
    component: { ...npms.metadata.component, type: 'container', name, 'bom-ref': name },
  },
  components,
  dependencies: [image, ...edges],
}
const sbom: CycloneDx = { ...content, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}` }
process.stdout.write(`${JSON.stringify(sbom, null, 1)}\n`)

function nodeItself(): Component {
  const version = process.versions.node
  return component('node', version, `pkg:generic/node@${version}`)
}

function fromLockfile(ref: string, packageName: string, { version = '', license, integrity }: Installed): Component {
  const [, hash = ''] = /^sha512-(.+)$/.exec(integrity ?? '') ?? []
  return {
    ...component(packageName, version, `pkg:npm/${packageName.replace('@', '%40')}@${version}`),
    'bom-ref': ref,
    ...(hash ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(hash, 'base64').toString('hex') }] } : {}),
    ...(license ? { licenses: [{ license: { name: license } }] } : {}),
  }
}

/** Reads pip's requirements: `name==version`, hashes after it. */
function wheels(text: string): Component[] {
  return [...text.matchAll(/^([\w.-]+)==([\w.]+)/gm)].map(([, wheel = '', version = '']) =>
    component(wheel, version, `pkg:pypi/${wheel}@${version}`),
  )
}

function component(name: string, version: string, purl: string): Component {
  return { 'bom-ref': `${name}@${version}`, type: 'library', name, version, scope: 'required', purl }
}

/** A name-based UUID (RFC 9562's version 8: a hash of the maker's choice). */
function uuidOf(content: string): string {
  const hex = createHash('sha256').update(content).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
