import { defineHandler } from 'nitro'
import { ask } from '../lib/origin.js'

export default defineHandler(() => ask('/ruled'))
