import { runSender } from '../../bench/redis-sender.ts'

await runSender(JSON.parse(process.argv[3] as string))
