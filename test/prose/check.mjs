/**
 * Checks the mechanical rules of plain English: `node test/prose/check.mjs [paths]`. Without paths, it reads every file but
 * those that programs write.
 *
 * - No sentence begins with "What", "Who", "Of" or the like, unless it is a question. Such a sentence hides its subject.
 * - A noun follows each possessive of `other` and `another`.
 * - A sentence has at most 35 words.
 *
 * The rules hold for every file. There is no way to exempt one.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { proseOf } from './extract.mjs'
import { faultsOf, sentencesOf } from './sentences.mjs'

/**
 * @param {string} path
 * @param {string} text of the file
 * @returns {{ findings: { line: number, rule: string, sentence: string }[], lines: number }} the number of lines that hold prose,
 *   and the sentences that break a rule
 */
export function checkFile(path, text) {
  const passages = proseOf(extname(path) || path, text)
  const findings = []
  let lines = 0
  for (const { line, text: passage } of passages) {
    lines += passage.split('\n').length
    for (const { sentence, offset } of sentencesOf(passage)) {
      const at = line + passage.slice(0, offset).split('\n').length - 1
      for (const rule of faultsOf(sentence)) findings.push({ line: at, rule, sentence })
    }
  }
  return { findings, lines }
}

/** Folders that programs write, at any depth. */
const GENERATED = new Set(['node_modules', 'dist', '.git', '.pgstash', '.wrangler', 'coverage'])

/**
 * The files at these paths, and in these folders. It does without git, because an archive of the sources has no repository.
 *
 * @param {string} path
 * @returns {string[]}
 */
function filesIn(path) {
  if (GENERATED.has(basename(path))) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(path === '.' ? name : join(path, name)))
}

function run() {
  let [count, lines] = [0, 0]
  const paths = process.argv.slice(2)
  for (const path of (paths.length > 0 ? paths : ['.']).flatMap(filesIn)) {
    const checked = checkFile(path, readFileSync(path, 'utf8'))
    lines += checked.lines
    count += checked.findings.length
    for (const { line, rule, sentence } of checked.findings) console.log(`${path}:${line}: ${rule}: ${sentence}`)
  }
  const share = lines === 0 ? 0 : (100 * count) / lines
  console.log(`${count} findings in ${lines} lines of prose (${share.toFixed(2)} %)`)
  process.exitCode = count > 0 ? 1 : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) run()
