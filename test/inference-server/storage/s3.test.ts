import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import test from 'ava'
import { parseS3 } from '../../../inference-server/storage/s3.ts'
import { cloudWithClients } from '../../local/cloud-clients.ts'
import { startServer } from '../fixtures/process.ts'
import { eventually, photo } from '../fixtures/world.ts'

const SEGMENT = { task: 'segment', points: [[285, 160]] }

test('inputs and outputs in S3, by prefixes that are allowed: the answer names objects that are there', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const { s3 } = aws
  await s3.send(new CreateBucketCommand({ Bucket: 'pictures' }))
  const put = (key: string, body: Uint8Array) =>
    s3.send(new PutObjectCommand({ Bucket: 'pictures', Key: key, Body: body, ContentType: 'image/jpeg' }))
  await put('in/coffee.jpg', await photo())
  await put('private/coffee.jpg', await photo())
  await put('in/large.jpg', Buffer.alloc(1_100_000))
  const server = startServer({
    AWS_ENDPOINT_URL_S3: cloud.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    MOORING_S3_PATH_STYLE: 'true',
    MOORING_S3_INPUTS: 's3://pictures/in/',
    MOORING_S3_OUTPUTS: 's3://pictures/out/, s3://nowhere/',
    SAGEMAKER_MAX_PAYLOAD_IN_MB: '1',
  })
  t.teardown(() => server.child.kill('SIGKILL'))
  const url = await server.url
  await eventually('/ping is 200', async () => (await fetch(`${url}/ping`)).status === 200)
  const invoke = async (body: object, id = 'order 66/../x') => {
    const response = await fetch(`${url}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-amzn-sagemaker-inference-id': id },
      body: JSON.stringify({ ...SEGMENT, ...body }),
    })
    const timing = response.headers.get('server-timing')
    return { status: response.status, timing, answer: (await response.json()) as Record<string, unknown> }
  }
  const refusal = async (body: object) => {
    const { status, answer } = await invoke(body)
    return `${status} ${JSON.stringify(answer)}`
  }

  const stored = await invoke({ image: 's3://pictures/in/coffee.jpg', output_s3: 's3://pictures/out/masks' })
  t.is(stored.status, 200, JSON.stringify(stored.answer))
  t.is(stored.answer.mask_s3, 's3://pictures/out/masks/order_66_.._x_mask.png')
  t.false('mask' in stored.answer)
  t.regex(stored.timing ?? '', /download;dur=.*upload;dur=/)
  const key = 'out/masks/order_66_.._x_mask.png'
  const object = await s3.send(new GetObjectCommand({ Bucket: 'pictures', Key: key }))
  t.is(object.ContentType, 'image/png')
  const inline = await invoke({ image: (await photo()).toString('base64') })
  t.is(Buffer.from((await object.Body?.transformToByteArray()) ?? []).toString('base64'), String(inline.answer.mask))

  await invoke({ image: 's3://pictures/in/coffee.jpg', output_s3: 's3://pictures/out/masks' })
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'pictures', Prefix: 'out/' }))
  t.is(Contents?.length, 1, 'a repeat writes the same object')

  t.regex(await refusal({ image: 's3://pictures/private/coffee.jpg' }), /^403 .*S3Denied/)
  t.regex(await refusal({ image: 's3://pictures/inside/coffee.jpg' }), /^403 .*S3Denied/)
  t.regex(await refusal({ image: 's3://pictures/in/missing.jpg' }), /^400 .*does not exist/)
  t.regex(await refusal({ image: 's3://pictures/in/large.jpg' }), /^413 .*1100000 bytes; at most 1048576/)
  t.regex(
    await refusal({ image: 's3://pictures/in/coffee.jpg', output_s3: 's3://pictures/in/' }),
    /^403 .*S3Denied.*MOORING_S3_OUTPUTS/,
  )
  const unwritable = await refusal({ image: 's3://pictures/in/coffee.jpg', output_s3: 's3://nowhere/' })
  t.regex(unwritable, /^502 .*S3Failed.*could not be written/)
  t.notRegex(unwritable, /127\.0\.0\.1|at .*\.[jt]s/)
})

test('an S3 location is a bucket and a key, and nothing else', (t) => {
  t.deepEqual(parseS3('s3://bucket/a/../b?c'), { bucket: 'bucket', key: 'a/../b?c' })
  for (const wrong of ['s3://', 's3://b/x', 's3://Bucket/x', 's3://bucket', 'http://bucket/x', 's3://user@bucket/x']) {
    t.throws(() => parseS3(wrong), { message: /s3:\/\/bucket\/key/ }, wrong)
  }
})
