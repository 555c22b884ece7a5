import { parentPort, workerData } from 'node:worker_threads'
import type { Question } from './patterns.ts'

const questions = workerData as readonly Question[]
parentPort?.postMessage(questions.map(({ pattern, text }) => new RegExp(pattern, 'u').test(text)))
