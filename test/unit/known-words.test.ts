import { expect, it } from 'vitest'
import { fixedTexts } from '../../src/postgres/failure-reasons.ts'
import { knownWords } from '../../src/values/known-words.ts'

/** Words in the messages of drivers and runtimes. */
const DRIVERS_WORDS =
  'a abort aborted access after already an and answer any are as at attempt attempted authentication authorization ' +
  'available awaiting be because been before body broken buffer busy by call called can cannot certificate channel ' +
  'client close closed compute configuration configured connect connected connecting connection connections control ' +
  'could create created data database decode decoding deadline denied did disabled disconnected do does driver during ' +
  'empty encoding end ended endpoint error errors exceeded exist existing exists exit expected expired failed failure ' +
  'fetch fetching field file for format found from function gateway get given handle handshake has have header headers ' +
  'host hostname http idle if in incomplete inside instead internal into invalid is it its key length limit local long ' +
  'lookup lost malformed maximum memory message method missing module must name network no node non not null number ' +
  'object of off on only open operation option or other out packet parameter parse parsing password peer permission ' +
  'pool port private project properties property protocol provided proxy query quota rate read reading ready received ' +
  'refused rejected remote request requested required reset resolve response restarting result role rows route running ' +
  'runtime script self send sending server service session set shut shutting side size socket ssl start started ' +
  'starting state statement status stopped stream string support supported suspended syntax table temporarily terminated ' +
  'than that the there this time timed timeout tls to token too transaction trust try trying type unable unavailable ' +
  'undefined unexpected unexpectedly unknown unreachable unsupported until upstream url use user using valid value ' +
  'verify version was websocket while with without write writing wrong'

it.each(DRIVERS_WORDS.split(' '))('an error text keeps the word %s', (word) => {
  expect(knownWords(`the server ${word} the client`, fixedTexts())).toBe(`the server ${word} the client`)
})

it('an error text loses other words and everything in quotes', () => {
  expect(knownWords('the server zanzibar said "the client"', fixedTexts())).toBe(undefined)
  expect(knownWords('the server zanzibar refused "the client"', fixedTexts())).toBe('the server … refused …')
})
