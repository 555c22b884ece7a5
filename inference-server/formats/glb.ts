import type { Mesh, Points } from './geometry.ts'

/**
 * Binary glTF 2.0 (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html): a JSON chunk and one binary chunk.
 * The geometry comes in camera coordinates (x right, y down, z forward) and is turned half around x into glTF's
 * (x right, y up, z towards the viewer).
 */

const GLTF = 0x46546c67
const JSON_CHUNK = 0x4e4f534a
const BIN_CHUNK = 0x004e4942

// Constants of WebGL that the specification names.
const FLOAT = 5126
const UNSIGNED_SHORT = 5123
const UNSIGNED_INT = 5125
const ARRAY_BUFFER = 34962
const ELEMENT_ARRAY_BUFFER = 34963
const POINTS = 0
const TRIANGLES = 4

/** glTF's vertex colours are linear; 8 bits of them would leave few steps in the dark. */
const LINEAR = Uint16Array.from({ length: 256 }, (_, value) => {
  const encoded = value / 255
  const linear = encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4
  return Math.round(linear * 65535)
})

type Accessor = Record<string, unknown>
type Section = { bytes: Uint8Array; target: number; accessor: Accessor }

/** A triangle mesh, or points when it has no `triangles`, as one .glb file. There must be at least one point. */
export function glb(shape: Points | Mesh): Uint8Array<ArrayBuffer> {
  const positions = turned(shape.positions)
  const sections: Section[] = [
    section(positions, ARRAY_BUFFER, { componentType: FLOAT, type: 'VEC3', ...bounds(positions) }),
    section(turned(shape.normals), ARRAY_BUFFER, { componentType: FLOAT, type: 'VEC3' }),
    section(linearColours(shape.colours), ARRAY_BUFFER, {
      componentType: UNSIGNED_SHORT,
      normalized: true,
      type: 'VEC4',
    }),
  ]
  if ('triangles' in shape) {
    sections.push(section(shape.triangles, ELEMENT_ARRAY_BUFFER, { componentType: UNSIGNED_INT, type: 'SCALAR' }))
  }
  const bytes = sections.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
  let offset = 0
  const document = {
    asset: { version: '2.0', generator: 'mooring inference-server' },
    // The colours are those of a photograph, with its light: a viewer must not light them again.
    extensionsUsed: ['KHR_materials_unlit'],
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0 }],
    meshes: [
      {
        primitives: [
          {
            attributes: { POSITION: 0, NORMAL: 1, COLOR_0: 2 },
            ...('triangles' in shape ? { indices: 3, mode: TRIANGLES } : { mode: POINTS }),
            material: 0,
          },
        ],
      },
    ],
    materials: [
      {
        pbrMetallicRoughness: { metallicFactor: 0, roughnessFactor: 1 },
        doubleSided: true,
        extensions: { KHR_materials_unlit: {} },
      },
    ],
    accessors: sections.map(({ accessor }, bufferView) => ({ bufferView, ...accessor })),
    bufferViews: sections.map(({ bytes, target }) => {
      const view = { buffer: 0, byteOffset: offset, byteLength: bytes.byteLength, target }
      offset += bytes.byteLength
      return view
    }),
    buffers: [{ byteLength: bytes }],
  }
  return container(document, sections)
}

/** Every section's length is a multiple of four, which is the alignment that accessors need. */
function section(
  values: Float32Array | Uint16Array | Uint32Array,
  target: number,
  accessor: Accessor & { type: 'SCALAR' | 'VEC3' | 'VEC4' },
): Section {
  const parts = { SCALAR: 1, VEC3: 3, VEC4: 4 }[accessor.type]
  return {
    bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    target,
    accessor: { ...accessor, count: values.length / parts },
  }
}

function turned(vectors: Float32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(vectors)
  for (let i = 0; i < out.length; i += 3) {
    out[i + 1] = 0 - (out[i + 1] ?? 0)
    out[i + 2] = 0 - (out[i + 2] ?? 0)
  }
  return out
}

function bounds(positions: Float32Array): { min: number[]; max: number[] } {
  const min = [Infinity, Infinity, Infinity]
  const max = [-Infinity, -Infinity, -Infinity]
  for (let i = 0; i < positions.length; i++) {
    const axis = i % 3
    const value = positions[i] ?? 0
    if (value < (min[axis] ?? 0)) min[axis] = value
    if (value > (max[axis] ?? 0)) max[axis] = value
  }
  return { min, max }
}

function linearColours(colours: Uint8Array): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array((colours.length / 3) * 4)
  for (let from = 0, to = 0; from < colours.length; from += 3, to += 4) {
    for (let channel = 0; channel < 3; channel++) out[to + channel] = LINEAR[colours[from + channel] ?? 0] ?? 0
    out[to + 3] = 65535
  }
  return out
}

function container(document: object, sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(document))
  const jsonLength = Math.ceil(text.length / 4) * 4
  const binLength = sections.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
  const file = new Uint8Array(12 + 8 + jsonLength + 8 + binLength)
  const view = new DataView(file.buffer)
  const header = [GLTF, 2, file.length, jsonLength, JSON_CHUNK]
  for (const [index, word] of header.entries()) view.setUint32(index * 4, word, true)
  file.fill(0x20, 20, 20 + jsonLength)
  file.set(text, 20)
  view.setUint32(20 + jsonLength, binLength, true)
  view.setUint32(24 + jsonLength, BIN_CHUNK, true)
  let at = 28 + jsonLength
  for (const { bytes } of sections) {
    file.set(bytes, at)
    at += bytes.byteLength
  }
  return file
}
