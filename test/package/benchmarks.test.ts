/** The parts of the benchmarks that need no peer: the verdicts on figures, and the lock file. */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import type { Cell, Figure } from '../../bench/harness/question.ts'
import { figureTable, losses } from '../../bench/report/tables.ts'

const cell = (provider: string, q1: number, median: number, q3: number): Cell => ({
  ...{ provider, q1, median, q3 },
  rounds: 5,
})

function figure(own: Cell, other: Cell, better: Figure['better']): Figure {
  const unit = better === 'higher' ? 'calls per second' : 'milliseconds'
  return { title: 'Hits', unit, better, cases: [{ name: 'only', cells: [own, other] }] }
}

it('counts a peer with a higher rate as a loss', () => {
  const found = losses(figure(cell('pgstash', 90, 100, 110), cell('peer', 190, 200, 210), 'higher'))
  expect(found).toEqual([{ figure: 'Hits', peer: 'peer', cases: 1, of: 1, factors: [2, 2] }])
})

it('counts a peer with a shorter time as a loss', () => {
  const found = losses(figure(cell('pgstash', 90, 100, 110), cell('peer', 40, 50, 60), 'lower'))
  expect(found).toMatchObject([{ peer: 'peer', factors: [2, 2] }])
})

it('counts no loss if the quartiles overlap, if the peer is worse, or if it is another version of pgstash', () => {
  expect(losses(figure(cell('pgstash', 90, 100, 110), cell('peer', 105, 120, 130), 'higher'))).toEqual([])
  expect(losses(figure(cell('pgstash', 90, 100, 110), cell('peer', 190, 200, 210), 'lower'))).toEqual([])
  expect(losses(figure(cell('pgstash', 90, 100, 110), cell('pgstash (before)', 190, 200, 210), 'higher'))).toEqual([])
})

it('says for each version whether it meets a goal', () => {
  const goals = { only: 1.2 }
  const ratios = figure(cell('pgstash', 1, 1.1, 1.3), cell('pgstash (before)', 1.4, 1.5, 1.6), 'lower')
  const [, , row] = figureTable({ ...ratios, unit: 'times', goals }).split('\n')
  expect(row).toBe('| only | ≤ ×1.2 | ×1.1 <sub>1–1.3</sub> met | ×1.5 <sub>1.4–1.6</sub> **missed** |')
})

it('locks the peers to no registry but the public one', async () => {
  const text = await readFile(new URL('../../bench/package-lock.json', import.meta.url), 'utf8')
  const { packages } = JSON.parse(text) as { packages: Record<string, { resolved?: string }> }
  expect(Object.keys(packages)).toContain('node_modules/bentocache')
  const elsewhere = Object.values(packages).filter(({ resolved }) => {
    return resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')
  })
  expect(elsewhere).toEqual([])
})
