import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { cost } from './cost.ts'
import type { LocalCloudAdmin } from './local-cloud.ts'
import { reportHtml } from './report.ts'
import type { Failure } from './steps/recover.ts'
import type { RolledBack } from './steps/roll-back.ts'
import type { Segmentation } from './steps/segment.ts'
import { instanceSeconds } from './timeline.ts'
import type { Watcher } from './watcher.ts'

/** What samples/segment/ asks for. */
const INSTANCE_TYPE = 'ml.g5.2xlarge'
/** A colour that few photographs have. */
const OVERLAY_COLOUR = { r: 0, g: 160, b: 255 }
const OVERLAY_OPACITY = 0.65

export type Summary = {
  directory: string
  cloud: LocalCloudAdmin
  watcher: Watcher
  segmentation: Segmentation
  failure: Failure
  rolledBack: RolledBack
  describe: string
  clockFactor: number
}

/** Writes report.html, and photo, mask and answer beside it. */
export async function writeReport(summary: Summary): Promise<void> {
  const { directory, segmentation, watcher } = summary
  const timeline = watcher.timeline()
  const watched = timeline.samples.at(-1)?.at ?? 0
  const overlay = await overlaid(segmentation.photo, segmentation.mask)
  const html = reportHtml({
    outcome: `Everything below happened in ${watched.toFixed(0)} seconds on this machine.`,
    timeline,
    clockFactor: summary.clockFactor,
    photo: segmentation.photo,
    overlay,
    answer: segmentation.answer,
    notification: segmentation.notification,
    describe: summary.describe,
    failure: summary.failure,
    rolledBack: summary.rolledBack,
    calls: await summary.cloud.calls(),
    cost: cost(INSTANCE_TYPE, instanceSeconds(timeline.samples), watched),
  })
  await Promise.all([
    writeFile(join(directory, 'report.html'), html),
    writeFile(join(directory, 'mask.png'), segmentation.mask),
    writeFile(join(directory, 'overlay.png'), overlay),
    writeFile(join(directory, 'describe.txt'), summary.describe),
  ])
}

/** The photograph with the mask's area tinted. The mask is greyscale, white inside. */
async function overlaid(photo: Uint8Array, mask: Uint8Array): Promise<Uint8Array> {
  const { width, height } = await sharp(photo).metadata()
  const alpha = await sharp(mask)
    .resize(width, height, { fit: 'fill' })
    .toColourspace('b-w')
    .linear(OVERLAY_OPACITY, 0)
    .raw()
    .toBuffer()
  const tint = await sharp({ create: { width, height, channels: 3, background: OVERLAY_COLOUR } })
    .joinChannel(alpha, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer()
  return sharp(photo)
    .composite([{ input: tint }])
    .png()
    .toBuffer()
}
