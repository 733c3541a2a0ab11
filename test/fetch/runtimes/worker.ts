/** The recipe as a Worker, on a local database. */
import { neonConfig } from '@neondatabase/serverless'
import { enableLocalNeon } from 'pgstash'

enableLocalNeon(neonConfig)

export { default } from './recipe.ts'
