import { z } from 'zod'

const architecture = z.enum(['amd64', 'arm64'])

/** An image of the local registry: what a registry knows of it, and the process that stands for its container. */
export const imageDefinitionSchema = z
  .object({
    repository: z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,255}$/),
    tag: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/),
    /** Program and first arguments; SageMaker's `serve` follows. Empty: an instance that is healthy at once, without a process. */
    command: z.array(z.string()),
    /** With an empty command: where requests are answered by a server that runs already, on loopback. */
    port: z.int().min(1).max(65_535).optional(),
    cwd: z.string().default('/'),
    environment: z.record(z.string(), z.string()).default({}),
    entrypoint: z.array(z.string()).optional(),
    labels: z.record(z.string(), z.string()).default({}),
    user: z.string().optional(),
    /** RFC 3339. */
    createdAt: z.iso.datetime().optional(),
    architecture: architecture.default('amd64'),
    /** In place of one architecture: the tag names an index, with an image for each. Instances run the first. */
    architectures: z.array(architecture).min(1).optional(),
    /** Compressed, in bytes: what the registry says, not what is there. */
    sizeBytes: z.int().min(0).default(50_000_000),
    /** Files by path, from the base upwards: their text, or their size in bytes. The command is in a layer of its own, on top. */
    layers: z
      .array(z.record(z.string(), z.union([z.string(), z.int().min(0).max(100_000_000)])))
      .max(127)
      .default([]),
    /** What ECR's scan found; without it, there was none. */
    scan: z
      .object({
        /** COMPLETE of a basic scan; ACTIVE of Amazon Inspector's, which goes on. */
        status: z
          .enum(['COMPLETE', 'ACTIVE', 'PENDING', 'IN_PROGRESS', 'FAILED', 'UNSUPPORTED_IMAGE'])
          .default('COMPLETE'),
        /** By severity: CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL, UNDEFINED, UNTRIAGED. */
        counts: z.record(z.string(), z.int().min(0)).default({}),
      })
      .optional(),
  })
  .strict()

export type ImageDefinition = z.input<typeof imageDefinitionSchema>
export type CheckedDefinition = z.output<typeof imageDefinitionSchema>
