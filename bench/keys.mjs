// How much memory is taken while a million different answers are asked for, one after the other. Called by `scripts/bench keys`.
//
//   node bench/keys.mjs [--keys 1000000] [--connections 32]
import { execFileSync } from 'node:child_process'
import { command, option } from './command.mjs'
import { sequence } from './load.mjs'
import { headlandDev, workerd } from './servers.mjs'

const keys = option('keys', 1_000_000)
const connections = option('connections', 32)
const STEPS = 10
/** A relation whose answers edges keep and give by themselves. */
const TEMPLATE = '/rest/v1/directors?select=id,name&id=eq.N'

const megabytes = (pid) => Math.round(Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)])) / 1024)

async function main(scratch) {
  const dev = await headlandDev(scratch)
  const systems = [
    ['Headland: emulator + gateway', dev],
    ['Headland: workerd + gateway', await workerd(scratch, dev)],
  ]
  const titles = Array.from({ length: STEPS + 1 }, (_, step) => `${(keys / STEPS) * step}`)
  console.log(`| MB after so many keys | ${titles.join(' | ')} |\n| --- |${' ---: |'.repeat(STEPS + 1)}`)
  for (const [name, { url, pid }] of systems) {
    const sizes = [megabytes(pid)]
    for (let step = 0; step < STEPS; step++) {
      await sequence({ url, path: TEMPLATE, first: (keys / STEPS) * step + 1, count: keys / STEPS, scratch, connections })
      sizes.push(megabytes(pid))
    }
    console.log(`| ${name} | ${sizes.join(' | ')} |`)
  }
}

await command(main)
