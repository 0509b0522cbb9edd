// How long the stages of the dialect take in wasm, a line per request. Called by `scripts/bench dialect`.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { dialect, stopAll } from './servers.mjs'

const scratch = mkdtempSync(path.join(os.tmpdir(), 'headland-dialect-'))
try {
  const url = await dialect(scratch)
  const response = await fetch(`${url}/dialect`)
  process.stdout.write(await response.text())
} finally {
  await stopAll()
  rmSync(scratch, { recursive: true, force: true })
}
