// What the benchmarks have in common as commands: options, a folder to work in, and that all they start is stopped.
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { stopAll } from './servers.mjs'

/** What follows `--name`; a number where `fallback` is one. */
export function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`)
  if (at < 0) return fallback
  const text = process.argv[at + 1]
  return typeof fallback === 'number' ? Number(text) : text
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/** Runs `work` with an empty folder, and then stops what `servers.mjs` has started. */
export async function command(work) {
  const scratch = path.resolve('target/bench')
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true })
  try {
    await work(scratch)
  } finally {
    await stopAll()
  }
}
