import { escapeHtml } from '../html.ts'

export type Figure = {
  caption: string
  /** An encoded picture, or SVG as text. */
  picture: Uint8Array | string
  type: 'jpeg' | 'png' | 'svg+xml'
}

/** One task: what went in, and what came back. */
export type Section = {
  task: string
  /** Which models answered, and what is to be seen. */
  text: string
  figures: readonly Figure[]
  /** The request and the answer, files and long lists left out. */
  request: Record<string, unknown>
  answer: unknown
}

/** One self-contained page. */
export function galleryHtml(sections: readonly Section[]): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Mooring inference server: its tasks in pictures</title>
<style>${STYLE}</style>
<h1>The inference server's tasks in pictures</h1>
<p>Made by <code>npm run gallery</code>: what came back is the server's own answer, from the sample models in
<code>inference-server/models</code>. These are small and know nothing of objects; real exports with the same inputs and outputs are served
by the same code.</p>
<nav>${sections.map(({ task }) => `<a href="#${task}">${task}</a>`).join(' ')}</nav>
${sections.map(sectionHtml).join('\n')}
</html>
`
}

function sectionHtml({ task, text, figures, request, answer }: Section): string {
  return `<section id="${task}"><h2>${task}</h2>
<p>${escapeHtml(text)}</p>
<div class="figures">${figures.map(figureHtml).join('')}</div>
<div class="exchange"><pre>${escapeHtml(brief(request))}</pre><pre>${escapeHtml(brief(answer))}</pre></div>
</section>`
}

function figureHtml({ caption, picture, type }: Figure): string {
  const data = Buffer.from(picture).toString('base64')
  return `<figure><img alt="${escapeHtml(caption)}" src="data:image/${type};base64,${data}"><figcaption>${escapeHtml(caption)}</figcaption></figure>`
}

const LONGEST_TEXT = 200
const LONGEST_LIST = 6

/** JSON in which long strings and lists are cut, with their length. */
export function brief(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, each: unknown) => {
      if (typeof each === 'string' && each.length > LONGEST_TEXT)
        return `${each.slice(0, 24)}… (${each.length} characters)`
      if (Array.isArray(each) && each.length > LONGEST_LIST) {
        return [...each.slice(0, LONGEST_LIST - 2), `… (${each.length} in all)`]
      }
      return typeof each === 'number' ? Math.round(each * 1e4) / 1e4 : each
    },
    1,
  ).replace(/\n\s*(?=[^{}[\]"]*[,\]]\n?)/g, ' ')
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733; background: #fcfcfa }
nav a { margin-right: 1rem } section { margin-top: 3rem; border-top: 1px solid #d8dde2 }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: start } figure { margin: 0; flex: 1 1 18rem; max-width: 26rem }
figure img { width: 100%; border: 1px solid #d8dde2; background: white } figcaption { font-size: .85rem; color: #55616d }
.exchange { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem } pre { background: #eef1f3; padding: .7rem; overflow: auto; font-size: .78rem; max-height: 24rem }
@media (prefers-color-scheme: dark) { body { background: #14191e; color: #dfe5ea } pre { background: #1f262d } section, figure img { border-color: #37424c } figcaption { color: #9aa7b2 } a { color: #8ec1ff } }
`
