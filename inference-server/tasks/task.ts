import type { z } from 'zod'
import type { Sized } from '../core/cache.ts'
import type { Phases } from '../core/phases.ts'
import type { Models } from '../families/family.ts'
import type { DecodedImage, Resize, RgbImage, Size } from '../images/decode.ts'
import type { RunModelOptions } from '../runtime/device.ts'
import type { Model, ModelSpec } from '../runtime/model.ts'
import type { Arguments, FunctionNames, Result, Work } from '../runtime/offload.ts'
import type { Tensors } from '../runtime/tensors.ts'

/** A binary input of a request, whatever way it came: base64, S3, multipart, or the raw body. */
export type InputFile = { bytes: Uint8Array; contentType?: string | undefined }

/** One of a task's binary inputs. */
export type FileKind = {
  /** The content types that a raw body of this kind may have. */
  mediaTypes: readonly string[]
  required: boolean
  description: string
}

export const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/tiff'] as const

/** The one picture that most tasks want. */
export const IMAGE_FILE: FileKind = {
  mediaTypes: IMAGE_TYPES,
  required: true,
  description: 'The picture; upright is as its EXIF orientation says.',
}

/** What a task may use while it works on a request. */
export type TaskContext = {
  /** Runs a model on the device; adds to the phases queue and infer. */
  run(model: Model, feeds: Tensors, options?: RunModelOptions): Promise<Tensors>
  /**
   * Calls an exported function in a CPU thread, so that the event loop, and with it /ping, never waits for it. Arguments are
   * cloned but for `transfer` and shared memory. Adds to the phase postprocess unless another is named.
   */
  offload<Module, Name extends FunctionNames<Module>>(
    work: Work<Module>,
    name: Name,
    args: Arguments<Module, Name>,
    options?: { phase?: string; transfer?: readonly ArrayBuffer[] },
  ): Promise<Result<Module, Name>>
  /** Decodes a picture to upright 8-bit RGB. Adds to the phase decode. */
  decode(file: InputFile, options?: Omit<DecodeOptions, 'phase'>): Promise<DecodedImage>
  /**
   * Decodes a picture and calls an exported function with its pixels, and what `args` makes of its size, in the same CPU thread:
   * pixels are megabytes, that the event loop's thread is better without. Adds to the phases decode and preprocess.
   */
  decodeFor<Module, Name extends FunctionNames<Module>, const Args extends AfterPixels<Arguments<Module, Name>>>(
    file: InputFile,
    options: DecodeOptions,
    work: Work<Module>,
    name: Name,
    args: (original: Size) => Args,
  ): Promise<{ original: Size; result: Result<Module, Name> }>
  /** A value by its key, made when it is not kept; what is kept is bounded by bytes. It may be used until the request has its answer. */
  cached<Value>(key: string, make: () => Promise<Sized<Value>>): Promise<Value>
  phases: Phases
  requestId: string
  maxImagePixels: number
}

type AfterPixels<Args> = Args extends [RgbImage, ...infer Others] ? Readonly<Others> : never

export type DecodeOptions = {
  /** Sees the picture's size, and says what to make of it. */
  resize?: ((original: Size) => Resize) | undefined
  /** What lies behind what is transparent: white, or black where light means inside. */
  over?: 'white' | 'black'
  /** What the function's time counts as, where it is not preprocess. */
  phase?: string
}

/** One request, freed of HTTP. */
export type TaskRequest<Fields> = { files: Readonly<Record<string, InputFile>>; fields: Fields }

/** One way in which an artifact can be given. */
export type Form = {
  contentType: string
  /** How the key of the S3 object ends that it is stored as: `_mask.png`. */
  suffix: string
  body(): Promise<Uint8Array> | Uint8Array
}

/** A binary result; the first form is taken where nobody chooses. */
export type Artifact = {
  forms: readonly [Form, ...Form[]]
  /** False where the JSON answer says the same already: it is then given to those only who ask for its type, or store it. */
  inJson?: boolean
}

/**
 * A task's result. In the JSON answer each artifact stands in base64 under its name, or as `<name>_s3` where it was stored;
 * a caller whose Accept names a form's type gets that form alone as the body.
 */
export type TaskAnswer = {
  fields: Record<string, unknown>
  artifacts?: Readonly<Record<string, Artifact>>
}

/** A request that a service can always answer. */
export type Example = { files?: Record<string, InputFile>; fields: Record<string, unknown> }

/** A task on the models that are there. */
export type Service<Fields> = {
  models: readonly Model[]
  /** @throws Failure */
  perform(request: TaskRequest<Fields>, context: TaskContext): Promise<TaskAnswer>
  /** Sent through the whole path before /ping says 200. */
  example(): Promise<Example> | Example
}

/** What a task sees when the server starts. */
export type TaskHost = {
  models: Models
  /** Whether config.json names the task: how one is asked for that needs no model. */
  configured: boolean
  /** The task's part of config.json. */
  settings: Readonly<Record<string, unknown>>
  /** One more graph, made at load, on every device worker. */
  open(spec: ModelSpec): Promise<Model>
}

/** What a form may be, for the OpenAPI document. */
export type ArtifactKind = { description: string; contentTypes: readonly [string, ...string[]] }

/** A task is one folder, and one line in tasks/index.ts. */
export type Task<Fields extends z.ZodObject = z.ZodObject> = {
  name: string
  summary: string
  /** Its binary inputs by name; the first is what a raw body is. */
  files: Readonly<Record<string, FileKind>>
  /** All else that a request may say: strict, described and bounded. */
  fields: Fields
  /** The JSON answer without its artifacts. */
  answer: z.ZodObject
  artifacts: Readonly<Record<string, ArtifactKind>>
  /** What config.json may say of the task besides `defaults`. */
  settings?: z.ZodObject
  /**
   * The task with these models; undefined when what it needs is not there.
   * @throws Error when it is there and wrong: the server then does not start.
   */
  bind(host: TaskHost): Service<z.output<Fields>> | undefined | Promise<Service<z.output<Fields>> | undefined>
}

/** Keeps the type of a task's fields while it is written down; forgets it for the list of tasks, which treats all alike. */
export function defineTask<Fields extends z.ZodObject>(task: Task<Fields>): Task {
  return task as unknown as Task
}
