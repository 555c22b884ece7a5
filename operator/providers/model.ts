import type {
  CreateModelCommandInput,
  CreateModelCommandOutput,
  DeleteModelCommandInput,
  DeleteModelCommandOutput,
  DescribeModelCommandInput,
  DescribeModelCommandOutput,
  ListModelsCommandInput,
  ListModelsCommandOutput,
} from '@aws-sdk/client-sagemaker'
import { type Operation, within } from './call.ts'
import { isAlreadyExists, isNotFound } from './errors.ts'

export type ModelApi = {
  createModel: Operation<CreateModelCommandInput, CreateModelCommandOutput>
  describeModel: Operation<DescribeModelCommandInput, DescribeModelCommandOutput>
  deleteModel: Operation<DeleteModelCommandInput, DeleteModelCommandOutput>
  listModels: Operation<ListModelsCommandInput, ListModelsCommandOutput>
}

/** A SageMaker resource, as lists name it. */
export type Named = { name: string; arn: string }

/** SageMaker's models. Every call throws the SDK's errors, to be read by errors.ts. */
export function models(api: ModelApi) {
  return {
    /** Answers 'taken' when the name is in use, by whomever. */
    async create(input: CreateModelCommandInput, signal: AbortSignal): Promise<'created' | 'taken'> {
      try {
        await api.createModel(input, within(signal))
        return 'created'
      } catch (error) {
        if (isAlreadyExists(error, 'model')) return 'taken'
        throw error
      }
    },
    /** Its ARN; undefined where there is none. */
    async observe(name: string, signal: AbortSignal): Promise<{ arn: string } | undefined> {
      try {
        const { ModelArn: arn = '' } = await api.describeModel({ ModelName: name }, within(signal))
        return { arn }
      } catch (error) {
        if (isNotFound(error, 'model')) return undefined
        throw error
      }
    },
    /** Nothing where there is none. */
    async delete(name: string, signal: AbortSignal): Promise<void> {
      try {
        await api.deleteModel({ ModelName: name }, within(signal))
      } catch (error) {
        if (!isNotFound(error, 'model')) throw error
      }
    },
    /** Those whose name starts with `prefix`. */
    async list(prefix: string, signal: AbortSignal): Promise<Named[]> {
      const found: Named[] = []
      let token: string | undefined
      do {
        const page = await api.listModels(
          { NameContains: prefix, MaxResults: 100, ...(token ? { NextToken: token } : {}) },
          within(signal),
        )
        for (const { ModelName: name = '', ModelArn: arn = '' } of page.Models ?? [])
          if (name.startsWith(prefix)) found.push({ name, arn })
        token = page.NextToken
      } while (token)
      return found
    },
  }
}

export type Models = ReturnType<typeof models>
