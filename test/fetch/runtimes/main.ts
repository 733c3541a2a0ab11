/** Starts the recipe, on a local database. */
import { neonConfig } from '@neondatabase/serverless'
import { enableLocalNeon } from 'pgstash'
import './recipe.ts'

enableLocalNeon(neonConfig)
