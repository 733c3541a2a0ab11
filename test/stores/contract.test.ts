import { cacheContract } from 'pgstash/testing'
import { describe, expect, it } from 'vitest'
import { memoryStore } from './memory-store.ts'

describe('memoryCache', () => cacheContract({ describe, it, expect }, memoryStore()))
