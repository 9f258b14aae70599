import { sameReading } from '../contract/targets/same-reading.ts'

sameReading(600)
