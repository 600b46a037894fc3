import { writeFileSync } from 'node:fs'
import { exampleConfig } from '../src/config/example.ts'

writeFileSync(new URL('../config.example.yaml', import.meta.url), exampleConfig())
