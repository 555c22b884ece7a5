import test from 'ava'
import { brief, galleryHtml } from '../../../demo/gallery/page.ts'

test('an exchange is told without its files and long lists, and with their length', (t) => {
  const told = brief({ image: 'A'.repeat(1000), embedding: Array.from({ length: 512 }, (_, index) => index), k: 3 })
  t.regex(told, /AAA… \(1000 characters\)/)
  t.regex(told, /512 in all/)
  t.regex(told, /"k": 3/)
  t.true(told.length < 250)
})

test('what a model says is text on the page, not markup', (t) => {
  const html = galleryHtml([
    { task: 'predict', text: 'a', figures: [], request: {}, answer: { predictions: ['<script>alert(1)</script>'] } },
  ])
  t.false(html.includes('<script>'))
})
