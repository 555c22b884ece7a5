import sharp from 'sharp'
import type { Product } from './drawings.ts'

export type Prompt = { points?: number[][]; labels?: number[]; box?: number[] }

const INSIDE = { r: 41, g: 121, b: 255 }
const STRENGTH = 0.55

/** The picture with the mask laid over it in blue, and the prompt that led to it: dots (crosses outside), a box. */
export async function promptedMask(picture: Uint8Array, mask: Uint8Array, prompt: Prompt): Promise<Buffer> {
  const { width, height } = await sharp(picture).metadata()
  const alpha = await sharp(mask).extractChannel(0).linear(STRENGTH, 0).raw().toBuffer()
  const tint = await sharp({ create: { width, height, channels: 3, background: INSIDE } })
    .joinChannel(alpha, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer()
  return sharp(picture)
    .composite([{ input: tint }, { input: Buffer.from(promptSvg(prompt, width, height)) }])
    .jpeg({ quality: 85 })
    .toBuffer()
}

function promptSvg({ points = [], labels, box }: Prompt, width: number, height: number): string {
  const marks = points.map(([x = 0, y = 0], index) =>
    labels?.[index] === 0
      ? `<path d="M${x - 9} ${y - 9} l18 18 m0 -18 l-18 18" stroke="#fff" stroke-width="8"/><path d="M${x - 9} ${y - 9} l18 18 m0 -18 l-18 18" stroke="#d01c1c" stroke-width="4"/>`
      : `<circle cx="${x}" cy="${y}" r="8" fill="#18a558" stroke="#fff" stroke-width="3"/>`,
  )
  const [left = 0, top = 0, right = 0, bottom = 0] = box ?? []
  const frame = box
    ? `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" fill="none" stroke="#18a558" stroke-width="4"/>`
    : ''
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${frame}${marks.join('')}</svg>`
}

/** Pictures side by side in rows, each with a line of text below. */
export function contactSheet(entries: readonly { product: Product; line: string }[], columns: number): string {
  const [cell, line] = [132, 24]
  const rows = Math.ceil(entries.length / columns)
  const cells = entries.map(({ product, line: text }, index) => {
    const [x, y] = [(index % columns) * cell, Math.floor(index / columns) * (cell + line)]
    const data = product.picture.toString('base64')
    return `<image x="${x + 2}" y="${y + 2}" width="${cell - 4}" height="${cell - 4}" href="data:image/jpeg;base64,${data}"/><text x="${x + cell / 2}" y="${y + cell + 13}" text-anchor="middle">${text}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${columns * cell} ${rows * (cell + line)}" font-family="sans-serif" font-size="13" fill="#444">${cells.join('')}</svg>`
}

/** A square matrix of numbers from -1 to 1 as colours, with names beside and below. */
export function matrix(names: readonly string[], values: readonly (readonly number[])[]): string {
  const [cell, margin] = [54, 120]
  const side = names.length * cell
  const cells = values.flatMap((row, y) =>
    row.map((value, x) => {
      const lightness = 96 - 56 * Math.max(0, value)
      const text = `<text x="${margin + (x + 0.5) * cell}" y="${(y + 0.6) * cell}" text-anchor="middle" fill="${lightness < 60 ? '#fff' : '#222'}">${value.toFixed(2)}</text>`
      return `<rect x="${margin + x * cell}" y="${y * cell}" width="${cell - 2}" height="${cell - 2}" fill="hsl(214 60% ${lightness}%)"/>${text}`
    }),
  )
  const labels = names.map(
    (name, index) =>
      `<text x="${margin - 8}" y="${(index + 0.6) * cell}" text-anchor="end">${name}</text><text transform="translate(${margin + (index + 0.5) * cell} ${side + 10}) rotate(40)">${name}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${margin + side + 60} ${side + 90}" font-family="sans-serif" font-size="13" fill="#444">${cells.join('')}${labels.join('')}</svg>`
}

/** One bar for each row, divided by probability; the class that is right stands before it, and a mark where the model errs. */
export function probabilityBars(
  rows: readonly { truth: string; predicted: string; probabilities: readonly number[] }[],
  classes: readonly string[],
): string {
  const colours = ['#2f68ad', '#e08a2e', '#3d8f55', '#7a4a9c', '#c23b32']
  const [height, left, width] = [16, 130, 460]
  const bars = rows.map(({ truth, predicted, probabilities }, row) => {
    let x = left
    const parts = probabilities.map((share, index) => {
      const part = `<rect x="${x}" y="${row * height + 30}" width="${share * width}" height="${height - 3}" fill="${colours[index % colours.length]}"/>`
      x += share * width
      return part
    })
    const mark =
      truth === predicted
        ? ''
        : `<text x="${left + width + 6}" y="${row * height + 42}" fill="#c00">✗ ${predicted}</text>`
    return `<text x="${left - 8}" y="${row * height + 42}" text-anchor="end">${truth}</text>${parts.join('')}${mark}`
  })
  const legend = classes.map(
    (name, index) =>
      `<rect x="${left + index * 150}" y="4" width="12" height="12" fill="${colours[index % colours.length]}"/><text x="${left + 18 + index * 150}" y="15">${name}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 130} ${rows.length * height + 36}" font-family="sans-serif" font-size="12" fill="#444">${legend.join('')}${bars.join('')}</svg>`
}
