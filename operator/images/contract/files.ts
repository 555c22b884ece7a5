import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Invocation } from '../../api/contract-test.ts'
import { type Contract, InputMissing } from './run.ts'

/** What the Job hands to the probe, as files. */
export type ContractFile = Contract & { isolation: boolean }

export const CONTRACT_FILE = 'contract.json'
/** The body of the invocation at `index`: as it is, or in base64. */
export const inputFile = (index: number): string => `input-${index}`
/** Where the ConfigMap of the invocation at `index` is mounted; its key is the file `body`. */
export const configMapFolder = (index: number): string => `config-map-${index}`
export const BODY_FILE = 'body'

/** @throws Error where the file is not what the operator writes */
export async function readContract(folder: string): Promise<ContractFile> {
  const contract = JSON.parse(await readFile(join(folder, CONTRACT_FILE), 'utf8')) as ContractFile
  if (!(contract.pingTimeoutSeconds > 0 && contract.timeoutSeconds > 0))
    throw new Error(`${CONTRACT_FILE} is no contract: it needs the Mooring version of the operator that started it`)
  return contract
}

/** The body of an invocation's request, out of the files beside the contract. @throws InputMissing */
export async function readInput(folder: string, contract: Contract, invocation: Invocation): Promise<Uint8Array> {
  const index = contract.invocations?.indexOf(invocation) ?? -1
  const reference = invocation.input.configMapKeyRef
  if (!reference) {
    const body = await readFile(join(folder, inputFile(index)))
    return invocation.input.base64 === undefined ? body : Buffer.from(body.toString('latin1'), 'base64')
  }
  try {
    return await readFile(join(folder, configMapFolder(index), BODY_FILE))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new InputMissing(
      `Apply a ConfigMap ${reference.name} with the key ${reference.key} in this namespace, or correct its configMapKeyRef; then set the annotation mooring.dev/contract-test to a new value.`,
    )
  }
}
