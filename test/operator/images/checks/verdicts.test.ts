import test from 'ava'
import type { CheckName } from '../../../../operator/api/image-checks.ts'
import type { Verdict } from '../../../../operator/images/checks.ts'
import type { ImageFacts } from '../../../../operator/images/facts.ts'
import { anImage, type Circumstances, check, DIFF_IDS, type GivenChecks, LAYERS } from './images.ts'

type Case = [
  title: string,
  image: ImageFacts,
  checks: GivenChecks,
  name: CheckName,
  verdict: Verdict,
  says: string,
  around?: Circumstances,
]

const GPU = { target: { instanceTypes: ['ml.g5.2xlarge'] } }
const on = (type: string, inferenceAmiVersion: string) => ({ target: { instanceTypes: [type], inferenceAmiVersion } })
const env = (variables: Record<string, string>) => anImage({ env: variables })
const starting = (...entrypoint: string[]) => anImage({ entrypoint })
const GITHUB = `ghp_${'x'.repeat(36)}`
// In pieces: scanners of repositories know these forms too.
const AWS = `AKIA${'QWERTYUIOPASDFGH'}`
const REQUIRES_12_4 =
  'cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=unknown,driver>=535,driver<536 brand=nvidia,driver>=535,driver<536'

// biome-ignore format: one line a case
const CASES: Case[] = [
  // The one that took two days.
  ['the wrong script', starting('python', 'serve.py'), { entrypoint: { matches: ['inference\\.py$'] } }, 'entrypoint', 'Fail', 'ENTRYPOINT is python serve.py, which does not match inference'],
  ['a script that was given up', starting('python', 'serve.py'), { entrypoint: { doesNotMatch: ['serve\\.py'] } }, 'entrypoint', 'Fail', 'which matches serve'],
  ['the right script', anImage(), { entrypoint: { matches: ['inference\\.py$'], doesNotMatch: ['serve\\.py'] } }, 'entrypoint', 'Pass', 'inference.py'],
  ['the right script in CMD, which SageMaker replaces', anImage({ entrypoint: [], cmd: ['python', 'inference.py'] }), { entrypoint: { matches: ['inference\\.py'] } }, 'entrypoint', 'Fail', 'There is no ENTRYPOINT'],
  ['a pattern that is warned of only', starting('python', 'serve.py'), { entrypoint: { policy: 'Warn', matches: ['inference'] } }, 'entrypoint', 'Warn', 'does not match'],
  ['a pattern of RE2 that JavaScript does not know', anImage(), { entrypoint: { matches: ['(?i)inference'] } }, 'entrypoint', 'Fail', 'no regular expression of JavaScript'],

  ['a command for a shell', starting('/bin/sh', '-c', 'python inference.py'), {}, 'execForm', 'Warn', 'in a shell'],
  ['a command for a shell, enforced', starting('/bin/bash', '-ec', 'python inference.py'), { execForm: { policy: 'Enforce' } }, 'execForm', 'Fail', 'Write ENTRYPOINT ["program"'],
  ['a command for a shell behind tini', starting('/sbin/tini', '--', 'sh', '-c', 'python inference.py'), {}, 'execForm', 'Warn', 'in a shell'],
  ['a shell that hands over', starting('/bin/sh', '-c', 'set -e; exec python inference.py'), {}, 'execForm', 'Pass', 'hands over'],
  ['a script', starting('/opt/program/start.sh'), {}, 'execForm', 'Pass', 'exec form'],
  ['a shell that runs a script', starting('bash', '/opt/start.sh', '-c', 'x'), {}, 'execForm', 'Pass', 'exec form'],
  ['no entry point', anImage({ entrypoint: [] }), {}, 'execForm', 'Skipped', 'no ENTRYPOINT'],

  ['a command in CMD, and no program serve', anImage({ entrypoint: [], cmd: ['python', 'inference.py'] }), {}, 'serveArgument', 'Fail', 'serve replaces CMD (python inference.py), and there is no program serve on the PATH'],
  ['no command at all', anImage({ entrypoint: [], cmd: [] }), {}, 'serveArgument', 'Fail', 'is then the whole command'],
  ['no command, and a program serve on the PATH', anImage({ entrypoint: [], cmd: [] }), {}, 'serveArgument', 'Pass', '/opt/program/serve', { files: ['/opt/program/serve'] }],
  ['no command, and a program serve that nobody may execute', anImage({ entrypoint: [] }), {}, 'serveArgument', 'Fail', 'add RUN chmod +x /opt/program/serve', { files: ['/opt/program/serve'], inert: ['/opt/program/serve'] }],
  ['no command, and layers that cannot all be read', anImage({ entrypoint: [] }), {}, 'serveArgument', 'Warn', 'layer 3 is too large', { unread: 'layer 3 is too large' }],
  ['only the script of NVIDIA’s images', anImage({ entrypoint: ['/opt/nvidia/nvidia_entrypoint.sh'], cmd: ['python', 'inference.py'] }), {}, 'serveArgument', 'Fail', 'ENTRYPOINT is /opt/nvidia/nvidia_entrypoint.sh alone, so that SageMaker\'s argument serve replaces CMD'],
  ['only the script of NVIDIA’s images, as in SageMaker’s Triton', anImage({ entrypoint: ['/opt/nvidia/nvidia_entrypoint.sh'], env: {} }), {}, 'serveArgument', 'Pass', '/usr/bin/serve', { files: ['/usr/bin/serve'] }],
  ['only the script of Docker’s own images', anImage({ entrypoint: ['docker-entrypoint.sh'], cmd: ['node', 'server.js'] }), {}, 'serveArgument', 'Warn', 'replaces CMD (node server.js)'],
  ['an environment alone', starting('env', 'A=b', '--'), {}, 'serveArgument', 'Fail', 'is then the whole command'],
  ['an interpreter alone, its script in CMD', anImage({ entrypoint: ['python3', '-u'], cmd: ['inference.py'] }), {}, 'serveArgument', 'Fail', "takes SageMaker's argument serve for the file to run, and /opt/program/serve does not exist"],
  ['an interpreter alone, and a file serve', anImage({ entrypoint: ['python3'] }), {}, 'serveArgument', 'Pass', '/opt/program/serve', { files: ['/opt/program/serve'] }],
  ['a server that refuses arguments', starting('uvicorn', 'app:app', '--port', '8080'), {}, 'serveArgument', 'Fail', 'uvicorn, which ends with an error'],
  ['a server that refuses arguments, as a module', starting('/usr/bin/python3.12', '-u', '-m', 'uvicorn', 'app:app'), {}, 'serveArgument', 'Fail', 'uvicorn, which ends with an error'],
  ['a server that refuses arguments, behind tini', starting('tini', '--', 'uvicorn', 'app:app'), {}, 'serveArgument', 'Fail', 'uvicorn'],
  ['a server that refuses arguments, in a shell that drops them', starting('sh', '-c', 'exec uvicorn app:app'), {}, 'serveArgument', 'Pass', 'leaves the argument serve aside'],
  ['a server that takes the argument for its own', starting('vllm', 'serve'), {}, 'serveArgument', 'Warn', 'may take the argument'],
  ['tini', starting('/usr/bin/tini', '--', 'python', 'inference.py'), {}, 'serveArgument', 'Warn', 'tini'],
  ['a server that tolerates arguments', starting('gunicorn', '-b', '0.0.0.0:8080', 'app:app'), {}, 'serveArgument', 'Pass', 'gunicorn'],
  ['a module', starting('python', '-m', 'server'), {}, 'serveArgument', 'Pass', 'python'],

  ['no port', anImage({ exposedPorts: [] }), {}, 'port', 'Warn', 'declares no port'],
  ['another port', anImage({ exposedPorts: ['5000/tcp', '8080/udp'] }), { port: { policy: 'Enforce' } }, 'port', 'Fail', 'declares 5000/tcp and 8080/udp'],
  ["a port of SageMaker's choice", anImage({ exposedPorts: [], labels: { 'com.amazonaws.sagemaker.capabilities.accept-bind-to-port': 'true' } }), {}, 'port', 'Pass', 'SAGEMAKER_BIND_TO_PORT'],

  ['an image for Arm on an Intel instance', anImage({ architecture: 'arm64' }), {}, 'platform', 'Fail', 'linux/arm64, but ml.g5.2xlarge runs linux/amd64', GPU],
  ['an image for Intel on a Graviton instance', anImage(), {}, 'platform', 'Fail', 'ml.c7g.xlarge runs linux/arm64', { target: { instanceTypes: ['ml.m5.xlarge', 'ml.c7g.xlarge'] } }],
  ['an image for Windows', anImage({ os: 'windows' }), {}, 'platform', 'Fail', 'windows/amd64'],
  ['an image for a mainframe', anImage({ architecture: 's390x' }), {}, 'platform', 'Fail', 'linux/s390x'],
  ['an image for Arm, wherever it runs', anImage({ architecture: 'arm64' }), {}, 'platform', 'Pass', 'linux/arm64'],

  ['root', anImage(), { user: { policy: 'Warn' } }, 'user', 'Warn', 'runs as root'],
  ['root by number and group', anImage({ user: '0:0' }), { user: { policy: 'Enforce' } }, 'user', 'Fail', 'runs as root'],
  ['a user', anImage({ user: 'model:model' }), { user: { policy: 'Enforce' } }, 'user', 'Pass', 'runs as model'],

  ['a model that was left out', anImage(), { requiredPaths: { paths: ['/opt/ml/model/sam3/model.onnx', '/opt/program/inference.py'] } }, 'requiredPaths', 'Fail', 'lacks /opt/ml/model/sam3/model.onnx: look at COPY', { files: ['/opt/program/inference.py'] }],
  ['a model that is there', anImage(), { requiredPaths: { paths: ['/opt/ml/model/sam3/model.onnx'] } }, 'requiredPaths', 'Pass', 'model.onnx', { files: ['/opt/ml/model/sam3/model.onnx'] }],
  ['a model that may be in a layer that cannot be read', anImage(), { requiredPaths: { paths: ['/m'] } }, 'requiredPaths', 'Fail', 'Whether the image has /m cannot be told: layer 2 is of an unknown form', { unread: 'layer 2 is of an unknown form' }],
  ['credentials that were copied along', anImage(), { forbiddenPaths: { paths: ['/root/.aws'] } }, 'forbiddenPaths', 'Fail', 'has /root/.aws: keep it out', { files: ['/root/.aws'] }],
  ['nothing that was copied along', anImage(), { forbiddenPaths: { paths: ['/root/.aws'] } }, 'forbiddenPaths', 'Pass', 'does not have /root/.aws'],
  ['nothing found in layers that cannot all be read', anImage(), { forbiddenPaths: { paths: ['/root/.aws'] } }, 'forbiddenPaths', 'Fail', 'Whether the image has /root/.aws cannot be told', { unread: 'layer 2 is too large' }],

  ['a variable that is missing', anImage(), { requiredEnv: { variables: [{ name: 'MODEL' }, { name: 'WORKERS' }] } }, 'requiredEnv', 'Fail', 'does not set WORKERS'],
  ['a variable of another value', anImage(), { requiredEnv: { variables: [{ name: 'MODEL', matches: '^clip$' }] } }, 'requiredEnv', 'Fail', 'MODEL does not match'],
  ['the variables', anImage(), { requiredEnv: { variables: [{ name: 'MODEL', matches: '^sam[0-9]$' }, { name: 'PATH' }] } }, 'requiredEnv', 'Pass', 'MODEL and PATH'],
  ['AWS credentials baked in', env({ AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' }), {}, 'forbiddenEnv', 'Fail', 'sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
  ['a setting of the build left in', env({ DEBIAN_FRONTEND: 'noninteractive' }), {}, 'forbiddenEnv', 'Warn', 'write ARG in the place of ENV'],

  ['a GitHub token', env({ TOKEN: GITHUB }), {}, 'secrets', 'Fail', 'a GitHub token in ENV TOKEN'],
  ['a token in a label', anImage({ labels: { 'org.example.ci': `glpat-${'x'.repeat(20)}` } }), {}, 'secrets', 'Fail', 'a GitLab token in LABEL org.example.ci'],
  ['an access key in the history', anImage({ history: [{ emptyLayer: false }, { createdBy: `RUN |1 KEY=${AWS} /bin/sh -c aws s3 cp s3://models /opt`, emptyLayer: false }], }), {}, 'secrets', 'Fail', 'an AWS access key in step 2 of the build history'],
  ['a private key in the history', anImage({ history: [{ createdBy: 'RUN echo "-----BEGIN OPENSSH PRIVATE KEY-----" > /root/.ssh/id', emptyLayer: false }], }), {}, 'secrets', 'Fail', 'a private key in step 1'],
  ['a token on the command line', starting('server', '--token', `hf_${'a'.repeat(34)}`), {}, 'secrets', 'Fail', 'a Hugging Face token in the command line'],
  ['a secret key of AWS', env({ aws_secret_access_key: 'a'.repeat(40) }), {}, 'secrets', 'Fail', 'an AWS secret key in ENV aws_secret_access_key'],
  ['a key of Weights & Biases', env({ WANDB_API_KEY: 'a1'.repeat(20) }), {}, 'secrets', 'Fail', 'a Weights & Biases key in ENV WANDB_API_KEY'],
  ['a token of Docker Hub', env({ REGISTRY: `dckr_pat_${'x'.repeat(27)}` }), {}, 'secrets', 'Fail', 'a Docker Hub token in ENV REGISTRY'],
  ['a value whose name says that it is a secret', env({ DB_PASSWORD: 'correct-horse' }), {}, 'secrets', 'Warn', 'a value in ENV DB_PASSWORD, by its name'],
  ['names of secrets without a secret', env({ API_KEY: '', SESSION_TOKEN: '/run/secrets/token', DB_PASSWORD: '$PASSWORD', USE_TOKEN: 'required', GPG_KEY: 'A035C8C19219BA821ECEA86B64E628F8D684696D' }), {}, 'secrets', 'Pass', 'No credentials'],
  ['a password in a URL', env({ DATABASE_URL: 'postgres://sam:hunter22@db/sam' }), {}, 'secrets', 'Warn', 'a password in a URL in ENV DATABASE_URL'],
  ['a password that is a variable', env({ DATABASE_URL: 'postgres://sam:$PASSWORD@db/sam' }), {}, 'secrets', 'Pass', 'No credentials'],
  ["the key of AWS's documentation", env({ KEY: 'AKIAIOSFODNN7EXAMPLE' }), {}, 'secrets', 'Pass', 'No credentials'],
  ['a token that is none', env({ TOKEN: GITHUB }), { secrets: { allow: ['TOKEN'] } }, 'secrets', 'Pass', 'No credentials'],

  ['CUDA that the driver cannot start', env({ CUDA_VERSION: '12.8.1', NVIDIA_REQUIRE_CUDA: 'cuda>=12.8 brand=tesla,driver>=535,driver<536' }), {}, 'cuda', 'Fail', 'keeps it from starting on ml.g5.2xlarge with driver 470 (CUDA 11.4)', GPU],
  ['CUDA that a newer driver can', env({ CUDA_VERSION: '12.8.1', NVIDIA_REQUIRE_CUDA: 'cuda>=12.8 brand=tesla,driver>=535,driver<536' }), {}, 'cuda', 'Pass', 'runs on ml.g5.2xlarge with driver 580', on('ml.g5.2xlarge', 'al2023-ami-sagemaker-inference-gpu-4-1')],
  ['CUDA of a branch that NVIDIA allows', env({ CUDA_VERSION: '12.4.1', NVIDIA_REQUIRE_CUDA: REQUIRES_12_4 }), {}, 'cuda', 'Pass', 'driver 535', on('ml.g5.2xlarge', 'al2-ami-sagemaker-inference-gpu-2')],
  ['CUDA that needs compatibility libraries', env({ CUDA_VERSION: '12.4.1', NVIDIA_REQUIRE_CUDA: REQUIRES_12_4 }), {}, 'cuda', 'Warn', 'needs driver 525, or its cuda-compat libraries', GPU],
  ['a requirement that is switched off', env({ CUDA_VERSION: '11.8.0', NVIDIA_REQUIRE_CUDA: 'cuda>=11.8', NVIDIA_DISABLE_REQUIRE: 'true' }), {}, 'cuda', 'Pass', 'runs on', GPU],
  ['CUDA 13 on the newest but one driver', env({ CUDA_VERSION: '13.0.1' }), {}, 'cuda', 'Warn', 'needs driver 580', on('ml.p5.48xlarge', 'al2-ami-sagemaker-inference-gpu-3-1')],
  ['the version in an old label', anImage({ labels: { 'com.nvidia.cuda.version': '10.2.89' } }), {}, 'cuda', 'Pass', 'CUDA 10.2.89', GPU],
  ['the worst of two instance types', env({ CUDA_VERSION: '12.2.0' }), {}, 'cuda', 'Warn', 'ml.g5.xlarge', { target: { instanceTypes: ['ml.g6.xlarge', 'ml.g5.xlarge'] } }],
  ['CUDA, and no instance types', env({ CUDA_VERSION: '12.4.1' }), {}, 'cuda', 'Skipped', 'spec.target'],
  ['CUDA on an instance of which AWS names no driver', env({ CUDA_VERSION: '12.4.1' }), {}, 'cuda', 'Skipped', 'set inferenceAmiVersion', { target: { instanceTypes: ['ml.g6e.xlarge'] } }],
  ['CUDA without a GPU', env({ CUDA_VERSION: '12.4.1' }), {}, 'cuda', 'Pass', 'no NVIDIA GPU', { target: { instanceTypes: ['ml.m6g.xlarge'] } }],

  ['too much to pull', anImage({}, { sizeBytes: 60_000_000_000 }), {}, 'size', 'Warn', '60.0 GB in 3 layers, more than 50 GB'],
  ['more layers than can be mounted', anImage({}, { layers: Array.from({ length: 128 }, () => ({ mediaType: 'x', digest: LAYERS[0] ?? '', size: 1 })) }), { size: { policy: 'Enforce' } }, 'size', 'Fail', '128 layers'],
  ['22 GB', anImage({}, { sizeBytes: 22_100_000_000 }), {}, 'size', 'Pass', '22.1 GB'],

  ['an old build', anImage({ createdAt: '2026-01-01T00:00:00Z' }), { age: { maxDays: 90 } }, 'age', 'Warn', 'older than 90 days'],
  ['a reproducible build, pushed long ago', anImage({ createdAt: '1970-01-01T00:00:00Z' }, { pushedAt: new Date('2025-01-01') }), { age: { maxDays: 90 } }, 'age', 'Warn', 'older than 90 days'],
  ['a reproducible build, pushed nobody knows when', anImage({ createdAt: '1970-01-01T00:00:00Z' }), { age: { policy: 'Enforce', maxDays: 90 } }, 'age', 'Skipped', 'tells a date'],
  ['a new build', anImage(), { age: { maxDays: 90 } }, 'age', 'Pass', 'not older'],

  ['the tag latest', anImage({}, { tag: 'latest' }), {}, 'tag', 'Warn', 'latest is moved'],
  ['a tag of another form', anImage({}, { tag: 'test' }), { tag: { policy: 'Enforce', matches: ['^v[0-9]+\\.', '^[0-9]+\\.'] } }, 'tag', 'Fail', 'test matches none of'],
  ['a tag of that form', anImage(), { tag: { matches: ['^v[0-9]+\\.', '^[0-9]+\\.'] } }, 'tag', 'Pass', '1.4.0'],

  ['an unknown base image', anImage(), { baseImage: { allowed: [{ name: 'python:3.12-slim', layers: [LAYERS[1] ?? ''] }] } }, 'baseImage', 'Fail', 'not those of python:3.12-slim'],
  ['more layers than the image has', anImage(), { baseImage: { allowed: [{ name: 'big', layers: [...LAYERS, LAYERS[0] ?? ''] }] } }, 'baseImage', 'Fail', 'not those of big'],
  ['a base image by its layers', anImage(), { baseImage: { allowed: [{ name: 'a', layers: [LAYERS[1] ?? ''] }, { name: 'python', layers: LAYERS.slice(0, 2) }], }, }, 'baseImage', 'Pass', 'upon python'],
  ['a base image by its diff_ids', anImage(), { baseImage: { allowed: [{ name: 'python', layers: DIFF_IDS.slice(0, 2) }] } }, 'baseImage', 'Pass', 'upon python'],

  ['critical vulnerabilities', anImage(), { scan: { maxHigh: 10 } }, 'scan', 'Warn', '2 of severity CRITICAL (at most 0), 11 of severity HIGH (at most 10)', { source: { scanFindings: async () => ({ status: 'ACTIVE', counts: { CRITICAL: 2, HIGH: 11 } }) } }],
  ['no more vulnerabilities than allowed', anImage(), { scan: { policy: 'Enforce', maxCritical: 2 } }, 'scan', 'Pass', 'no more', { source: { scanFindings: async () => ({ status: 'COMPLETE', counts: { CRITICAL: 2, LOW: 100 } }) } }],
  ['no scan', anImage(), {}, 'scan', 'Skipped', 'no scan of this image'],
  ['a scan that failed', anImage(), { scan: { policy: 'Enforce' } }, 'scan', 'Skipped', 'UNSUPPORTED_IMAGE', { source: { scanFindings: async () => ({ status: 'UNSUPPORTED_IMAGE', counts: {} }) } }],

  ['no signature', anImage(), { signature: { publicKeys: ['-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdonFSArxSaCtb34+sl9+DeTO0eX3\nBSRpFDrpI9db30wtQ2Ie3ZvlJ75iv5rEqvjt4IC15rxpYyR1QksuIxhlgQ==\n-----END PUBLIC KEY-----\n'], }, }, 'signature', 'Fail', 'has no signature by'],
  ['a key that is none', anImage(), { signature: { publicKeys: ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'] } }, 'signature', 'Fail', 'publicKeys[0] is no public key'],
]

for (const [title, image, checks, name, verdict, says, around] of CASES)
  test(`${name}: ${title}: ${verdict}`, async (t) => {
    const results = await check(image, checks, around)
    const result = results.find((one) => one.name === name)
    t.is(result?.verdict, verdict, result?.message)
    t.true(result?.message.includes(says), result?.message)
    t.true((result?.message.length ?? 0) <= 300, `${result?.message.length} characters`)
    t.regex(result?.message ?? '', /\.$/, 'cut off')
  })

test('an ordinary image for SageMaker passes what is checked of every image, and nothing is said of what nobody asked for', async (t) => {
  const results = await check(
    anImage(),
    {},
    { ...GPU, source: { scanFindings: async () => ({ status: 'COMPLETE', counts: {} }) } },
  )
  t.deepEqual(
    results.map(({ name, verdict }) => [name, verdict]),
    ['execForm', 'serveArgument', 'port', 'platform', 'forbiddenEnv', 'secrets', 'size', 'tag', 'scan'].map((name) => [
      name,
      'Pass',
    ]),
  )
})

/** What `docker inspect` shows of images that people run on SageMaker, or build upon. */
const USUAL: [name: string, entrypoint: string[], cmd: string[]][] = [
  ['AWS Deep Learning Container', ['python', '/usr/local/bin/dockerd-entrypoint.py'], ['torchserve', '--start']],
  ['Deep Java Library', ['/usr/local/bin/dockerd-entrypoint.sh'], ['serve']],
  ['Hugging Face Text Generation Inference', ['./entrypoint.sh'], ['--json-output']],
  ['Ollama, whose own command is serve', ['/bin/ollama'], ['serve']],
  ['gunicorn', ['gunicorn', '--bind', '0.0.0.0:8080', 'wsgi:app'], []],
  ['Java', ['java', '-jar', '/opt/program/app.jar'], []],
  ['Node.js', ['node', 'main.ts'], []],
  ['a script by its interpreter', ['bash', '/opt/program/start.sh'], []],
  ['Python, optimised', ['python3', '-O', '-u', 'serve.py'], []],
  ['Triton by SageMaker’s own start script', ['/usr/bin/serve'], []],
]

for (const [name, entrypoint, cmd] of USUAL)
  test(`an image that starts as such images do passes, without a look into its layers: ${name}`, async (t) => {
    const find = async () => {
      throw new Error('the layers were read')
    }
    const results = await check(anImage({ entrypoint, cmd }), {}, { find })
    t.deepEqual(
      results
        .filter(({ name: check }) => check === 'serveArgument' || check === 'execForm')
        .map(({ verdict }) => verdict),
      ['Pass', 'Pass'],
    )
  })

test('a secret is in no message, wherever it lies', async (t) => {
  const image = anImage({
    entrypoint: ['server', '--token', GITHUB],
    env: { [GITHUB]: GITHUB, AWS_ACCESS_KEY_ID: AWS, DATABASE_URL: `https://sam:${GITHUB}@db/` },
    labels: { [GITHUB]: AWS },
    user: GITHUB,
    exposedPorts: [GITHUB],
    os: GITHUB,
    history: [{ createdBy: `RUN curl -H "Authorization: ${GITHUB}" ${AWS}`, emptyLayer: false }],
  })
  const results = await check(image, {
    entrypoint: { matches: ['inference'] },
    user: { policy: 'Warn' },
    requiredEnv: { variables: [{ name: 'AWS_ACCESS_KEY_ID', matches: 'x$' }] },
  })
  for (const { name, message } of results) t.notRegex(message, /ghp_|AKIA/, name)
  t.true(results.some(({ name, verdict }) => name === 'secrets' && verdict === 'Fail'))
})
