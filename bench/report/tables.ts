/** Figures as Markdown. */
import { findCell, numberText, providersOf, quartiles, withUnit } from '../harness/format.ts'
import type { Cell, Figure } from '../harness/question.ts'

/** Beyond so many columns a table is easier to read the other way round. */
const MOST_COLUMNS = 9

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

function cellText(cell: Cell | undefined, unit: Figure['unit']): string {
  if (cell === undefined) return '–'
  const spread = quartiles(cell)
  const ratio = cell.ratio && unit !== 'times' ? ` ×${numberText(cell.ratio.median)}` : ''
  return `${withUnit(cell.median, unit)}${ratio}${spread && ` <sub>${spread}</sub>`}`
}

function isMet(figure: Figure, cell: Cell | undefined, goal: number): boolean {
  if (cell === undefined) return false
  return figure.better === 'lower' ? cell.median <= goal : cell.median >= goal
}

function goalTable(figure: Figure): string {
  const providers = providersOf(figure)
  const sign = figure.better === 'lower' ? '≤' : '≥'
  const rows = figure.cases.map(({ name }) => {
    const goal = figure.goals?.[name] ?? Number.NaN
    const cells = providers.map((provider) => {
      const cell = findCell(figure, name, provider)
      return `${cellText(cell, figure.unit)}${cell ? (isMet(figure, cell, goal) ? ' met' : ' **missed**') : ''}`
    })
    return [name, `${sign} ${withUnit(goal, figure.unit)}`, ...cells]
  })
  return table(['', 'goal', ...providers], rows)
}

export function figureTable(figure: Figure): string {
  if (figure.goals) return goalTable(figure)
  const providers = providersOf(figure)
  const [only] = figure.cases
  if (figure.cases.length === 1 && only) {
    const rows = only.cells.map((cell) => [cell.provider, cellText(cell, figure.unit)])
    return table([only.name, figure.unit], rows)
  }
  const names = figure.cases.map(({ name }) => name)
  const text = (name: string, provider: string) => cellText(findCell(figure, name, provider), figure.unit)
  if (providers.length > MOST_COLUMNS) {
    return table(
      ['', ...names],
      providers.map((provider) => [provider, ...names.map((name) => text(name, provider))]),
    )
  }
  return table(
    ['', ...providers],
    names.map((name) => [name, ...providers.map((provider) => text(name, provider))]),
  )
}

export interface Loss {
  readonly figure: string
  readonly peer: string
  /** In how many cases, and of how many. */
  readonly cases: number
  readonly of: number
  /** By which factors the peer is better: the smallest and the largest. */
  readonly factors: readonly [least: number, most: number]
}

/** Peers that beat pgstash. A difference within the quartiles of the rounds does not count. */
export function losses(figure: Figure): Loss[] {
  if (figure.goals) return []
  return providersOf(figure).flatMap((peer): Loss[] => {
    if (peer.startsWith('pgstash')) return []
    const factors: number[] = []
    let of = 0
    for (const { name } of figure.cases) {
      const own = findCell(figure, name, 'pgstash')
      const other = findCell(figure, name, peer)
      if (own === undefined || other === undefined) continue
      of++
      const isBeaten = figure.better === 'higher' ? other.q1 > own.q3 : other.q3 < own.q1
      const factor = figure.better === 'higher' ? other.median / own.median : own.median / other.median
      if (isBeaten) factors.push(factor)
    }
    if (factors.length === 0) return []
    return [
      { figure: figure.title, peer, cases: factors.length, of, factors: [Math.min(...factors), Math.max(...factors)] },
    ]
  })
}

export function lossTable(all: readonly Loss[]): string {
  const rows = all.map(({ figure, peer, cases, of, factors: [least, most] }) => {
    const range = numberText(least) === numberText(most) ? '' : ` to ×${numberText(most)}`
    return [figure, peer, `×${numberText(least)}${range}`, of > 1 ? `${cases} of ${of}` : '']
  })
  return table(['', 'better', 'by', 'cases'], rows)
}
