import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openApi } from './http/openapi.ts'
import { tasksPage } from './http/tasks-page.ts'
import { TASKS } from './tasks/index.ts'

const REPOSITORY = join(import.meta.dirname, '..')

/** Everything that is generated from the tasks' schemas: path in the repository → content. A test compares the bytes. */
export function generated(): Map<string, string> {
  return new Map([
    ['docs/inference-tasks.md', tasksPage(TASKS)],
    ['docs/inference-openapi.json', `${JSON.stringify(openApi(TASKS), null, 2)}\n`],
  ])
}

if (import.meta.main) {
  for (const [path, content] of generated()) {
    await writeFile(join(REPOSITORY, path), content)
    console.log(path)
  }
}
