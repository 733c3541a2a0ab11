/** Finds the prose of a file: comments, docstrings, names of tests, messages of errors, texts of the CLI, and documents. */
import ts from 'typescript-5.9'

/** Begins the line of a list item or a tag. An empty line would shift the numbers of the lines after it. */
export const ITEM = '\f'

/** @typedef {{ line: number, text: string }} Passage its first line, counted from 1 */

const SCRIPTS = new Set(['.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs'])

/**
 * @param {string} kind the extension, or the name of a file without one
 * @param {string} text
 * @returns {Passage[]}
 */
export function proseOf(kind, text) {
  if (SCRIPTS.has(kind)) return ofScript(kind, text)
  if (kind === '.md' || kind === '.txt') return ofMarkdown(text)
  if (kind === '.sql') return ofLineComments(text, /^\s*--(?!>)\s?/)
  if (kind === '.svelte' || kind === '.css') return ofLineComments(text, /^\s*(?:\/\/|\/?\*+\/?|<!--)\s?/)
  if (/^\.(?:sh|toml|ya?ml)$|(?:^|\/)\.(?:ci\/run|gitignore|gitattributes)$/.test(kind))
    return ofLineComments(text, /^\s*#(?!!)\s?/)
  return []
}

function ofScript(kind, text) {
  const isJsx = kind === '.tsx' || kind === '.js' || kind === '.mjs'
  const file = ts.createSourceFile(`file${isJsx ? '.tsx' : kind}`, text, ts.ScriptTarget.Latest, true)
  const lineAt = (position) => file.getLineAndCharacterOfPosition(position).line + 1
  const passages = []
  for (const comment of commentsOf(file, text)) {
    passages.push({ line: lineAt(comment.start), text: ofComment(text.slice(comment.start, comment.end)) })
  }
  const visit = (node) => {
    for (const literal of spokenBy(node)) passages.push({ line: lineAt(literal.getStart(file)), text: textOf(literal) })
    ts.forEachChild(node, visit)
  }
  visit(file)
  return passages
}

/** Comments in order. Line comments that follow each other are one. */
function commentsOf(file, text) {
  const found = new Map()
  const visit = (node) => {
    if (ts.isJSDoc(node)) return
    if (!ts.isToken(node) || node.kind === ts.SyntaxKind.EndOfFileToken || node.getChildCount(file) === 0) {
      if (!ts.isJsxText(node)) {
        const ranges = [
          ...(ts.getLeadingCommentRanges(text, node.pos) ?? []),
          ...(ts.getTrailingCommentRanges(text, node.end) ?? []),
        ]
        for (const { pos, end, kind } of ranges)
          found.set(pos, { start: pos, end, isLine: kind === ts.SyntaxKind.SingleLineCommentTrivia })
      }
    }
    for (const child of node.getChildren(file)) visit(child)
  }
  visit(file)
  const comments = []
  for (const comment of [...found.values()].sort((a, b) => a.start - b.start)) {
    const last = comments.at(-1)
    if (last?.isLine && comment.isLine && /^\s*\n?\s*$/.test(text.slice(last.end, comment.start)))
      last.end = comment.end
    else comments.push(comment)
  }
  return comments
}

/** The prose of a comment, line for line. Examples, directives and the names of tags are no prose. */
function ofComment(comment) {
  const lines = comment
    .replace(/\s*\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*(?:\/\*+|\*|\/\/+)\s?/, ''))
  return unmarked(lines.map(withoutDirective), { hasTags: true })
}

function withoutDirective(line) {
  return line.replace(/^\s*(?:biome-ignore [^:]*:|@ts-expect-error|@ts-ignore|#__PURE__|<reference.*|\/ <.*)\s?/, '')
}

/** Joins lines into a passage. Empty lines and {@link ITEM} separate its paragraphs. */
function unmarked(lines, { hasTags }) {
  let isCode = false
  let fence
  const result = []
  for (const line of lines) {
    const [, opened] = /^\s*(`{3,}|~{3,})/.exec(line) ?? []
    const [, tag] = (hasTags && /^\s*@(\w+)/.exec(line)) || []
    if (opened !== undefined) fence = fence === undefined ? opened : undefined
    if (tag !== undefined) isCode = tag === 'example'
    const isProse = fence === undefined && opened === undefined && !isCode && !/^\s{4,}\S/.test(line)
    if (!isProse) result.push('')
    else if (tag !== undefined)
      result.push(
        ITEM + line.replace(/^\s*@\w+\s*(?:\{[^}]*\}\s*)*(?:(?<=@(?:param|template)\s+)\S+\s*(?:-\s*)?)?/, ''),
      )
    else if (/^\s*(?:[-*+]|\d+[.)])\s/.test(line)) result.push(ITEM + line.replace(/^\s*(?:[-*+]|\d+[.)])\s+/, ''))
    else result.push(line)
  }
  return result.join('\n')
}

const TESTS = new Set(['it', 'test', 'describe'])
const CLI_TEXTS = new Set(['description', 'summary', 'option', 'requiredOption', 'argument'])

/** Texts that a reader sees: names of tests, messages of errors, and the help of the CLI. */
function spokenBy(node) {
  if (ts.isNewExpression(node) && /Error$/.test(node.expression.getText())) return textsIn([node.arguments?.[0]])
  if (!ts.isCallExpression(node)) return []
  if (TESTS.has(baseOf(node.expression))) return textsIn([node.arguments[0]])
  if (!ts.isPropertyAccessExpression(node.expression)) return []
  const name = node.expression.name.text
  if (!CLI_TEXTS.has(name)) return []
  return textsIn(name === 'description' || name === 'summary' ? [node.arguments[0]] : [node.arguments[1]])
}

/** `it` of `it.skipIf(isSlow).each(rows)`. */
function baseOf(expression) {
  if (ts.isIdentifier(expression)) return expression.text
  if (ts.isPropertyAccessExpression(expression) || ts.isCallExpression(expression)) return baseOf(expression.expression)
  return ts.isTaggedTemplateExpression(expression) ? baseOf(expression.tag) : ''
}

const textsIn = (nodes) =>
  nodes.filter((node) => node !== undefined && (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)))

function textOf(literal) {
  if (ts.isStringLiteralLike(literal)) return literal.text
  return literal.head.text + literal.templateSpans.map(({ literal: { text } }) => `\`code\`${text}`).join('')
}

function ofLineComments(text, marker) {
  const passages = []
  let last
  for (const [i, line] of text.split('\n').entries()) {
    const isComment = marker.test(line)
    if (isComment && last === undefined) {
      last = { line: i + 1, text: line.replace(marker, '') }
      passages.push(last)
    } else if (isComment) last.text += `\n${line.replace(marker, '')}`
    else last = undefined
  }
  return passages
}

/** Headings, paragraphs, items and cells. */
function ofMarkdown(text) {
  const visible = text.replaceAll(/<!--[\s\S]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, ''))
  const passages = []
  let paragraph = []
  let start = 1
  const flush = () => {
    if (paragraph.some((line) => line.trim() !== '')) passages.push({ line: start, text: paragraph.join('\n') })
    paragraph = []
  }
  let fence
  for (const [i, line] of visible.split('\n').entries()) {
    const [, opened] = /^\s*(`{3,}|~{3,})/.exec(line) ?? []
    if (opened !== undefined) {
      flush()
      if (fence === undefined) fence = opened
      else if (line.trim().startsWith(fence)) fence = undefined
      continue
    }
    if (fence !== undefined) continue
    const isRow = /^\s*\|.*\|\s*$/.test(line)
    const isNew = isRow || /^\s*(?:#{1,6}\s|[-*+]\s|\d+[.)]\s|>)/.test(line)
    if (line.trim() === '' || isNew) flush()
    if (line.trim() === '') continue
    if (isRow) {
      for (const cell of line.replaceAll(/`[^`]*`/g, '`code`').split(/(?<!\\)\|/))
        if (/\p{L}/u.test(cell)) passages.push({ line: i + 1, text: cell.trim() })
      continue
    }
    if (paragraph.length === 0) start = i + 1
    paragraph.push(isNew ? line.replace(/^\s*(?:#{1,6}|[-*+]|\d+[.)]|>)\s*/, '') : line)
    if (/^\s*#{1,6}\s/.test(line)) flush()
  }
  flush()
  return passages
}
