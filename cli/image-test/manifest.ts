import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import { type ContractTest, contractTest, type Invocation, MAX_INVOCATIONS } from '../../operator/api/contract-test.ts'
import { InputMissing } from '../../operator/images/contract/run.ts'

const MAX_FILE_BYTES = 8_388_608

type Document = {
  kind?: string
  metadata?: { name?: string }
  spec?: { contractTest?: unknown }
  data?: Record<string, string>
  binaryData?: Record<string, string>
}

export type Declared = { test: ContractTest; input(invocation: Invocation): Promise<Uint8Array> }

/** A contract test with nothing but what every container must do. */
export function undeclared(): Declared {
  return { test: contractTest.parse({}), input: async () => new Uint8Array() }
}

/**
 * Reads spec.contractTest of the ModelImage in a file of manifests; ConfigMaps that it refers to are looked for in the same file.
 * @throws Error that says what is missing or wrong
 */
export async function readManifests(path: string): Promise<Declared> {
  const text = await readFile(path, 'utf8')
  if (text.length > MAX_FILE_BYTES) throw new Error(`${path} is larger than 8 MiB: no manifest is`)
  const documents = parseAllDocuments(text).map((document) => document.toJS() as Document | null)
  const images = documents.filter((document) => document?.kind === 'ModelImage')
  if (images.length !== 1) throw new Error(`${path} holds ${images.length} ModelImages: it must hold one`)
  const parsed = contractTest.safeParse(images[0]?.spec?.contractTest ?? {})
  if (!parsed.success)
    throw new Error(
      parsed.error.issues.map((issue) => `spec.contractTest.${issue.path.join('.')}: ${issue.message}`).join('; '),
    )
  const test = parsed.data
  if ((test.invocations?.length ?? 0) > MAX_INVOCATIONS) throw new Error('too many invocations')
  return { test, input: async ({ input }) => body(input, documents) }
}

function body(
  { inline, base64, configMapKeyRef }: Invocation['input'],
  documents: readonly (Document | null)[],
): Uint8Array {
  if (!configMapKeyRef) return inline === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(inline)
  const { name, key } = configMapKeyRef
  const found = documents.find((document) => document?.kind === 'ConfigMap' && document.metadata?.name === name)
  const text = found?.data?.[key]
  if (text !== undefined) return Buffer.from(text)
  const binary = found?.binaryData?.[key]
  if (binary !== undefined) return Buffer.from(binary, 'base64')
  throw new InputMissing(`Put the ConfigMap ${name} with the key ${key} into the same file: its cluster is not asked.`)
}
