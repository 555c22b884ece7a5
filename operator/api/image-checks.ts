import { z } from 'zod'
import { defaulted, matches, type Rule, rules, text } from './fields.ts'

/** More patterns, names or paths in one check than anybody writes by hand. */
const MAX_LIST = 32
const MAX_PATTERNS = 8
/** A container runtime mounts so many layers over each other: overlayfs under containerd and Docker stops at 128, one of them writable. */
const MAX_LAYERS = 127
const MAX_BASE_LAYERS = 64
const MAX_GIGABYTES = 1000

/** Ignore rather than Off, which YAML 1.1, as kubectl and Helm read it, takes for false. */
const POLICIES = ['Enforce', 'Warn', 'Ignore'] as const

const policy = (preset: (typeof POLICIES)[number]) =>
  z
    .enum(POLICIES)
    .default(preset)
    .describe(
      'Enforce: an image that fails is not used. Warn: it is said, and the image used. Ignore: the check does not run.',
    )

const patterns = () =>
  z.array(
    text(256).meta(
      rules({
        // An expression that RE2 cannot read makes the rule fail.
        rule: "''.matches(self) in [true, false]",
        message: 'must be a regular expression',
      }),
    ),
  )

const PATH: Rule = matches(
  String.raw`/([^/\x00]+/)*[^/\x00]+`,
  'must be an absolute path inside the container, without a / at its end: write /opt/ml/model/<file>',
)
const NAME: Rule = matches('[^=\\x00]+', "must be the name of an environment variable, without '='")
const DIGEST: Rule = matches('sha256:[a-f0-9]{64}', 'must be a digest: write sha256:<64 hexadecimal digits>')
const PUBLIC_KEY: Rule = matches(
  String.raw`\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*`,
  'must be one public key in PEM: paste the file cosign.pub, from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----',
)

const paths = () => z.array(text(512).meta(rules(PATH))).max(MAX_LIST)
const names = () => z.array(text(256).meta(rules(NAME))).max(MAX_LIST)

const entrypoint = z
  .object({
    policy: policy('Enforce'),
    matches: patterns()
      .max(MAX_PATTERNS)
      .default([])
      .describe(
        'Regular expressions that ENTRYPOINT, joined by spaces, must all match somewhere, such as `inference\\.py$`. CMD does not count: SageMaker replaces it by the argument serve, which is the whole command where there is no ENTRYPOINT.',
      ),
    doesNotMatch: patterns()
      .max(MAX_PATTERNS)
      .default([])
      .describe('Regular expressions none of which it may match, such as `serve\\.py`.'),
  })
  .describe('The command line that the image starts with. Runs where a pattern is given.')

const execForm = z
  .object({ policy: policy('Warn') })
  .describe(
    "ENTRYPOINT is in exec form, so that SIGTERM reaches the server. A shell's form leaves it to the shell, and the server is killed 30 s later in the midst of its requests.",
  )

const serveArgument = z
  .object({ policy: policy('Enforce') })
  .describe(
    'The image can be started with the argument serve, which SageMaker passes in the place of CMD: without ENTRYPOINT there must be a program of that name, and a known server must not refuse it.',
  )

const port = z
  .object({ policy: policy('Warn') })
  .describe(
    'The image declares port 8080, where SageMaker asks for /ping and /invocations, or by its label com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true that it listens where SAGEMAKER_BIND_TO_PORT says.',
  )

const platform = z
  .object({ policy: policy('Enforce') })
  .describe(
    'Operating system and processor architecture are those of the instance types in spec.target: linux/arm64 for Graviton, such as ml.c7g.xlarge, linux/amd64 for all others. Without instance types, either.',
  )

const user = z
  .object({ policy: policy('Ignore') })
  .describe('The image declares a user other than root. SageMaker runs images of either kind.')

const requiredPaths = z
  .object({
    policy: policy('Enforce'),
    paths: paths()
      .default([])
      .describe(
        'Files or folders that must be in the image, such as /opt/ml/model/sam3/model.onnx. A * stands for any characters within a name, ** for any folders between.',
      ),
  })
  .describe('What must be in the layers. Runs where a path is given.')

const forbiddenPaths = z
  .object({
    policy: policy('Enforce'),
    paths: paths()
      .default([])
      .describe(
        'Files or folders that must not be in the image, such as /root/.aws or /opt/**/.git. A * stands for any characters within a name, ** for any folders between.',
      ),
  })
  .describe('What must not be in the layers. Runs where a path is given.')

const requiredEnv = z
  .object({
    policy: policy('Enforce'),
    variables: z
      .array(
        z.object({
          name: text(256).meta(rules(NAME)).describe('Its name.'),
          matches: patterns()
            .element.optional()
            .describe('A regular expression that its value must match somewhere; without one, any value will do.'),
        }),
      )
      .max(MAX_LIST)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('The variables.'),
  })
  .describe('Environment variables that the image must set. Runs where one is given.')

const forbiddenEnv = z
  .object({
    policy: policy('Enforce'),
    names: names()
      .default(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'])
      .describe(
        'Variables that the image must not set. Credentials in the image hide those of the execution role, and everybody who can pull it has them.',
      ),
    discouraged: names()
      .default(['DEBIAN_FRONTEND'])
      .describe('Variables that are warned about only: they are meant for the build, and stay in the container.'),
  })
  .describe('Environment variables that the image must not set.')

const secrets = z
  .object({
    policy: policy('Enforce'),
    allow: names()
      .default([])
      .describe('Environment variables and labels that are not looked at, because what they hold is no secret.'),
  })
  .describe(
    'No credentials of a well-known form in environment, labels and build history: AWS, GitHub, GitLab, Slack, Hugging Face, OpenAI, Anthropic and Google keys, private keys, passwords in URLs. A message says where, never what.',
  )

const cuda = z
  .object({ policy: policy('Enforce') })
  .describe(
    "The CUDA version of the image runs on the NVIDIA driver of the instances in spec.target, by the image's NVIDIA_REQUIRE_CUDA and CUDA_VERSION.",
  )

const size = z
  .object({
    policy: policy('Warn'),
    maxGigabytes: z
      .int()
      .min(1)
      .max(MAX_GIGABYTES)
      .default(50)
      .describe('The most that the compressed layers may have together, in GB of 1,000,000,000 bytes.'),
  })
  .describe(
    `How much every new instance has to pull before it can serve, and that there are at most ${MAX_LAYERS} layers, which is what a container runtime can mount.`,
  )

const age = z
  .object({
    policy: policy('Warn'),
    maxDays: z
      .int()
      .min(1)
      .max(3650)
      .optional()
      .describe('The greatest age in days, from the build, or else the push.'),
  })
  .describe('How old the image is. Runs where maxDays is given.')

const tag = z
  .object({
    policy: policy('Warn'),
    forbidden: z
      .array(text(128))
      .max(MAX_LIST)
      .default(['latest'])
      .describe('Tags that an image may not be referred to by.'),
    matches: patterns()
      .max(MAX_PATTERNS)
      .default([])
      .describe('Regular expressions one of which the tag must match somewhere, such as `^v[0-9]`; empty for any tag.'),
  })
  .describe('The tag that the image is referred to by. A reference by digest always passes.')

const baseImage = z
  .object({
    policy: policy('Enforce'),
    allowed: z
      .array(
        z.object({
          name: text(256).describe('For messages, such as python:3.12-slim.'),
          layers: z
            .array(text(71).meta(rules(DIGEST)))
            .min(1)
            .max(MAX_BASE_LAYERS)
            .describe(
              "The base image's layers from the bottom up: their digests, or the diff_ids of its configuration. docs/image-checks.md says how to list them.",
            ),
        }),
      )
      .max(MAX_PATTERNS)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('The base images.'),
  })
  .describe('The image is built upon one of these base images: its lowest layers are theirs. Runs where one is given.')

const most = (what: string) =>
  z.int().min(0).max(100_000).optional().describe(`The most findings of severity ${what}; without it, any number.`)

const scan = z
  .object({
    policy: policy('Warn'),
    maxCritical: most('CRITICAL').default(0),
    maxHigh: most('HIGH'),
    maxMedium: most('MEDIUM'),
  })
  .describe("How many vulnerabilities the registry's own scan found: Amazon ECR's, basic or enhanced.")

const signature = z
  .object({
    policy: policy('Enforce'),
    publicKeys: z
      .array(text(4096).meta(rules(PUBLIC_KEY)))
      .max(MAX_PATTERNS)
      .default([])
      .describe('Public keys of cosign in PEM, of ECDSA, RSA or Ed25519. A signature by one of them is enough.'),
  })
  .describe(
    'The digest, or that of the index it is part of, is signed by cosign with one of these keys. Runs where a key is given. The transparency log is not asked.',
  )

/** Every check, by the name of its block, in the order of status.checks. */
export const imageChecks = z
  .object({
    entrypoint: defaulted(entrypoint),
    execForm: defaulted(execForm),
    serveArgument: defaulted(serveArgument),
    port: defaulted(port),
    platform: defaulted(platform),
    user: defaulted(user),
    requiredPaths: defaulted(requiredPaths),
    forbiddenPaths: defaulted(forbiddenPaths),
    requiredEnv: defaulted(requiredEnv),
    forbiddenEnv: defaulted(forbiddenEnv),
    secrets: defaulted(secrets),
    cuda: defaulted(cuda),
    size: defaulted(size),
    age: defaulted(age),
    tag: defaulted(tag),
    baseImage: defaulted(baseImage),
    scan: defaulted(scan),
    signature: defaulted(signature),
  })
  .describe('What must be true of the image before an endpoint uses it. docs/image-checks.md explains each check.')

export type ImageChecks = z.infer<typeof imageChecks>
export type CheckName = keyof ImageChecks
export type Policy = (typeof POLICIES)[number]

/** status.checks: how each check went for the digest. */
export const imageCheckResults = z
  .array(
    z.object({
      name: text(64).describe('The check, as its block in spec.checks is called.'),
      verdict: z
        .enum(['Pass', 'Warn', 'Fail', 'Skipped'])
        .describe(
          'Pass: all is well. Warn: something is wrong, or doubtful, that does not keep the image from being used. Fail: it does. Skipped: it could not be told, and the message says why.',
        ),
      policy: z.enum(['Enforce', 'Warn']).describe('What spec.checks asked for.'),
      message: text(300, 0).describe('What was found, and what to do about it.'),
    }),
  )
  .max(64)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
  .describe('How each check went for the digest, one entry a check that ran.')
