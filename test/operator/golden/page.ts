import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CASES, type GoldenCase, NOT_APPLICABLE } from './cases.ts'

/** The page that `node test/operator/golden/page.ts` writes. */
export const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'compared-with-ack.md')

const HEAD = `<!-- Written by \`node test/operator/golden/page.ts\` from test/operator/golden/cases.ts. -->

# Compared with ACK, situation by situation

[ACK's sagemaker-controller](https://github.com/aws-controllers-k8s/sagemaker-controller) came with test suites that its commit dc49707 no
longer runs. Here is every situation of its endpoint, endpoint_config and model suites, what users have written issues about, and what a
reading of its code showed: what ACK does there by its own expected results and code (it was not run for this), and what Mooring does, which
the test of the same name holds against a real kube-apiserver and the local cloud.
`

const SECTIONS: [title: string, names: RegExp][] = [
  ['Endpoints', /^endpoint /],
  ['Endpoint configurations', /^endpoint_config /],
  ['Models', /^model /],
  ["Users' issues", /#/],
  ["From a reading of ACK's code", /^reading: /],
]

/** In which test file each case is tested. @throws Error for a case without a test, or with more than one */
export async function testFiles(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const names = new Set(Object.keys(CASES))
  for (const file of (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.test.ts')).sort()) {
    const source = await readFile(join(import.meta.dirname, file), 'utf8')
    for (const [, list = ''] of source.matchAll(/^ *golden\(\s*(\[[^\]]*\]|[^,]*),/gm))
      for (const [, quoted = ''] of list
        .replaceAll(/`\$\{suite\} ([^`]*)`/g, "'model $1', 'endpoint_config $1'")
        .matchAll(/'([^']*)'/g)) {
        if (found.has(quoted)) throw new Error(`two tests of ${quoted}: ${found.get(quoted)} and ${file}`)
        found.set(quoted, file)
      }
  }
  for (const name of names) if (!found.has(name)) throw new Error(`no test of ${name}`)
  return found
}

export async function page(): Promise<string> {
  const files = await testFiles()
  const cases = Object.entries(CASES) as [string, GoldenCase][]
  const sections = SECTIONS.map(([title, names]) => {
    const rows = cases
      .filter(([name]) => names.test(name))
      .map(([name, { situation, ack, mooring }]) => {
        const file = files.get(name)
        const test = `[${file?.replace('.test.ts', '')}](../test/operator/golden/${file})`
        return `| ${label(name)} | ${situation} | ${ack} | ${capital(mooring)}. | ${test} |`
      })
    return `## ${title}\n\n| case | situation | ACK | Mooring | test |\n|---|---|---|---|---|\n${rows.join('\n')}\n`
  })
  const others = NOT_APPLICABLE.map(({ what, why }) => `| ${what} | ${why} |`)
  return `${HEAD}\n${sections.join('\n')}\n## Not applicable\n\n| | |\n|---|---|\n${others.join('\n')}\n`
}

/** Without the words that the section says already; community issues as links. */
function label(name: string): string {
  const issue = /^community#(\d+)$/.exec(name)?.[1]
  if (issue) return `[${name}](https://github.com/aws-controllers-k8s/community/issues/${issue})`
  return name.replace(/^(endpoint|endpoint_config|model) |^reading: /, '')
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

if (import.meta.main) await writeFile(PAGE, await page())
