import { sameReading } from '../contract/targets/same-reading.ts'
import { length } from './length.ts'

sameReading(length(20_000, 1_500))
