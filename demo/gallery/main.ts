import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { demoConsole } from '../console.ts'
import { galleryHtml, type Section } from './page.ts'
import { SECTIONS } from './sections.ts'

/** Sends each task what it takes and writes what comes back as one page of pictures. */
process.env.ORT_DISABLE_TELEMETRY = '1'
const OUTPUT = join(import.meta.dirname, '..', '..', 'demo-output')

const console_ = demoConsole(process.stdout)
const sections: Section[] = []
try {
  for (const [task, make] of Object.entries(SECTIONS)) sections.push(await console_.step(task, make))
  await mkdir(OUTPUT, { recursive: true })
  const file = join(OUTPUT, 'gallery.html')
  await writeFile(file, galleryHtml(sections))
  console_.line(`\n${file}`)
} finally {
  console_.close()
}
