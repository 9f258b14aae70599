import pg from 'pg'
import { createSqlStore } from 'writekey/sql'

// Nobody listens there: the driver that is part of the bundle says so.
const store = createSqlStore({ url: 'postgres://127.0.0.1:1/none', notifications: false, driver: pg })
store
  .migrate()
  .catch(({ code }) => console.log(JSON.stringify({ postgres: code })))
  .finally(() => store.close())
