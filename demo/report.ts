import { timelineSvg } from './chart.ts'
import type { Cost } from './cost.ts'
import { escapeHtml } from './html.ts'
import type { Timeline } from './timeline.ts'

export type Report = {
  outcome: string
  timeline: Timeline
  /** How many seconds of SageMaker's time pass in one second of the demo. */
  clockFactor: number
  /** JPEG or PNG bytes. */
  photo: Uint8Array
  overlay: Uint8Array
  answer: string
  notification: string
  describe: string
  failure: { reason: string; logTail: string[] }
  rolledBack: { edit: string; message: string; events: string; logTail: string[] }
  calls: { service: string; operation: string; count: number }[]
  cost: Cost | undefined
}

/** One self-contained page. */
export function reportHtml(report: Report): string {
  const image = (bytes: Uint8Array, type: string, alt: string) =>
    `<figure><img alt="${alt}" src="data:image/${type};base64,${Buffer.from(bytes).toString('base64')}"><figcaption>${alt}</figcaption></figure>`
  const text = (content: string) => `<pre>${escapeHtml(content)}</pre>`
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Mooring demo</title>
<style>${STYLE}</style>
<h1>Mooring: from one manifest to an answered request</h1>
<p>${escapeHtml(report.outcome)} One second of the demo is ${report.clockFactor} seconds on the local cloud's clock.</p>
<h2>States and instances</h2>
${timelineSvg(report.timeline)}
<h2>The answer</h2>
<div class="pair">${image(report.photo, 'jpeg', 'The photograph, as uploaded to S3')}${image(report.overlay, 'png', 'The mask that came back, laid over it')}</div>
<p>From the output path:</p>${text(report.answer)}
<p>From the success topic's queue:</p>${text(report.notification)}
<h2>The failure, as the operator wrote it down</h2>
${text(`${report.failure.reason}\n\n${report.failure.logTail.join('\n')}`)}
<h2>The bad edit, which SageMaker took back without a word</h2>
${text(report.rolledBack.edit)}
<p>Ready said, while the configuration from before went on answering:</p>
${text(`${report.rolledBack.message}\n\n${report.rolledBack.events}`)}
<p>The container's last lines:</p>
${text(report.rolledBack.logTail.join('\n'))}
<h2>Cost</h2>
${costHtml(report.cost)}
<h2>kubectl describe aie</h2>
${text(report.describe)}
<h2>AWS calls</h2>
${callsHtml(report.calls)}
</html>
`
}

function costHtml(cost: Cost | undefined): string {
  if (!cost) return '<p>No price is known for this instance type.</p>'
  const usd = (amount: number) => `$${amount.toFixed(2)}`
  return `<table>
<tr><th></th><th>a month</th></tr>
<tr><td>one ${cost.instanceType} always on, at ${usd(cost.hourlyUsd)} an hour</td><td>${usd(cost.monthAlwaysOnUsd)}</td></tr>
<tr><td>as used here: instances ran for ${(cost.utilisation * 100).toFixed(0)} % of the time</td><td>${usd(cost.monthAsUsedUsd)}</td></tr>
<tr><td>as used for 25 hours a month, scaled to zero otherwise</td><td>${usd(cost.hourlyUsd * 25)}</td></tr>
</table>
<p class="small">Prices are dated defaults; the demo itself costs nothing.</p>`
}

function callsHtml(calls: Report['calls']): string {
  const total = calls.reduce((sum, call) => sum + call.count, 0)
  const rows = [...calls]
    .sort((a, b) => b.count - a.count)
    .map(
      (call) =>
        `<tr><td>${escapeHtml(call.service)}</td><td>${escapeHtml(call.operation)}</td><td>${call.count}</td></tr>`,
    )
  return `<table><tr><th>service</th><th>operation</th><th>calls</th></tr>${rows.join('')}<tr><th colspan="2">in all, the demo's own included</th><th>${total}</th></tr></table>`
}

const STYLE = `
:root { color-scheme: light dark; --ink: #22262d; --soft: #667; --line: #ccd; --paper: #fff; --box: #f4f5f8 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6ea; --soft: #9aa; --line: #445; --paper: #16181d; --box: #20232a } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1060px; margin: 2rem auto; padding: 0 1rem; color: var(--ink); background: var(--paper) }
h2 { margin-top: 2.2rem } svg { width: 100%; font: 12px system-ui, sans-serif }
svg text { fill: var(--ink) } svg .small, .small { font-size: 11px; fill: var(--soft); color: var(--soft) } svg .in { fill: #fff }
svg .mark { stroke: var(--soft); stroke-dasharray: 2 3 } svg .grid { stroke: var(--line) }
svg .count { fill: none; stroke: #3b6fb0; stroke-width: 2 } svg .area { fill: #3b6fb0; opacity: .18 }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 1rem }
figure { margin: 0 } img { width: 100%; border-radius: 6px } figcaption { color: var(--soft); font-size: 14px }
pre { background: var(--box); padding: .8rem 1rem; border-radius: 6px; overflow-x: auto; font-size: 13px; line-height: 1.4 }
table { border-collapse: collapse } td, th { text-align: left; padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid var(--line) }
td:last-child, th:last-child { text-align: right; font-variant-numeric: tabular-nums }
`
