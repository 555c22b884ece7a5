import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/**
 * Fails the build where the image lacks a library: what npm brought is loaded on this base image; of the CUDA provider, which cannot be
 * loaded without a driver, every library that it names is looked for. The driver's own comes from the host.
 */
const accelerator = process.argv[2]
const require = createRequire('/app/')
require('sharp')
const backends = require('onnxruntime-node').listSupportedBackends()
console.log(`onnxruntime-node and sharp load: ${JSON.stringify(backends)}`)

const FROM_THE_HOST = ['libcuda.so.1']
// Loaded by name when they are first needed, so that no linker says that they are missing.
const LOADED_BY_NAME = [/^libcudnn\.so\.9$/, /^libcudnn_graph\.so\.9$/, /^libcudnn_engines_precompiled\.so\.9$/, /^libnvrtc\.so\.\d+$/, /^libcufft\.so\.\d+$/]

const binaries = `/app/node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}`
const provider = (name) => join(binaries, `libonnxruntime_providers_${name}.so`)
if (accelerator === 'cpu') {
  if (existsSync(provider('cuda'))) throw new Error('a CUDA provider in an image for CPUs')
} else {
  const missing = [provider('cuda'), provider('shared')].flatMap((library) => {
    if (!existsSync(library)) return [library]
    const lines = execFileSync('ldd', [library], { encoding: 'utf8' }).split('\n')
    return lines.filter((line) => line.includes('not found')).map((line) => line.trim().split(' ')[0])
  })
  const there = readdirSync('/usr/local/cuda/lib')
  missing.push(...LOADED_BY_NAME.filter((name) => !there.some((file) => name.test(file))).map(String))
  const lacking = missing.filter((library) => !FROM_THE_HOST.includes(library))
  if (lacking.length > 0) throw new Error(`the CUDA provider lacks ${lacking.join(', ')}`)
  console.log(`the CUDA provider has all that it names, but ${FROM_THE_HOST}`)
}
