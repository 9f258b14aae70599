import { sameReading } from '../contract/targets/same-reading.ts'

sameReading(2_000)
