import { neonConfig } from '@neondatabase/serverless'
import { definePlugin } from 'nitro'
import { enableLocalNeon } from 'pgstash'

export default definePlugin(() => enableLocalNeon(neonConfig))
